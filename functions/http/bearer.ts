// The bearer token of a request, whoever's it is: users.ts, cron.ts and origin.ts ask.

export function bearerOf(request: Request): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
}
