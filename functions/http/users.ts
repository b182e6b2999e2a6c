// Tells who asks: anonymous sessions by signed tokens, taken from the Authorization header or the session cookie, and an identity provider's
// users by its own tokens. Every endpoint for users asks here.
import { type KeyObject, randomUUID } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import type { Session } from '../../core/answers.ts'
import { isHttps } from '../../core/config.ts'
import { AppError } from '../../core/errors.ts'
import { isEnded } from '../../db/statements/sessions.ts'
import { adopt } from '../../engine/adopt.ts'
import { clockOf, type Deps } from '../../engine/deps.ts'
import { type Keys, keysOf, sessionKey, userKey } from '../../engine/keys.ts'
import { readForeignToken } from './identity-provider.ts'
import { bearerOf } from './request.ts'

const issuer = 'stepgate'
const cookieName = 'stepgate_session'
/** Over https. Browsers take a cookie of this name only from this very host, so that a sibling domain can't set one. */
const hostCookieName = `__Host-${cookieName}`
/** Long enough that a person finds yesterday's results; every new session call extends it. */
const sessionSeconds = 30 * 24 * 3_600

type Opened = Pick<Session, 'user_id' | 'token' | 'expires_at'>

/** `sid` names the session in every token that it gets: ended, none of them is good any more. */
export async function openSession(deps: Deps, userId: string, sid: string = randomUUID()): Promise<Opened> {
  const issuedAt = Math.floor(clockOf(deps).getTime() / 1000)
  const token = await new SignJWT({ sid })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(issuer)
    .setSubject(userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + sessionSeconds)
    .sign(signingOf(deps).keys[0])
  return { user_id: userId, token, expires_at: new Date((issuedAt + sessionSeconds) * 1000).toISOString() }
}

/** Who asks, by which session. */
export interface Asking {
  user_id: string
  /** Names of the session by which it may have been ended. */
  session: readonly string[]
  /** When the token that asks expires. */
  until: Date
  /** Of a session of our own: what names it in every token that it gets. */
  sid?: string
}

/** Until when some token of a session could be good that ends now: one of ours may have been extended this very moment. */
export const lastOf = (deps: Deps, { sid, until }: Pick<Asking, 'sid' | 'until'>): Date =>
  sid === undefined ? until : new Date(clockOf(deps).getTime() + sessionSeconds * 1000)

/** The same where it need not be a session that asks: the bot's chats have none. */
export type Who = Pick<Asking, 'user_id'> & Partial<Pick<Asking, 'session'>>

/** The user id. Throws `unauthenticated` or `token_expired` (401), `not_configured` or `unavailable` (503). */
export const requireUser = async (request: Request, deps: Deps): Promise<string> =>
  (await requireSession(request, deps)).user_id

/** The same, with the session: known not to be ended. */
export async function requireSession(request: Request, deps: Deps): Promise<Asking> {
  const asking = await requireReader(request, deps)
  await requireNotEnded(deps, asking)
  return asking
}

/** For whoever hands the session on to their one statement, which asks whether it was ended. */
export async function requireReader(request: Request, deps: Deps): Promise<Asking> {
  const token = tokenOf(request, deps)
  if (!token) throw refusal('unauthenticated', howToSignIn(deps))
  try {
    if (!isOwn(token)) return await readForeign(request, deps, token)
    if (deps.config.ANONYMOUS_SESSIONS) return await readOwnToken(deps, token)
  } catch (cause) {
    if (cause instanceof errors.JWTExpired)
      throw refusal('token_expired', 'The session has expired; ask for a new one.')
    if (cause instanceof errors.JOSEError) throw refusal('unauthenticated', 'The token is not one of ours.', cause)
    throw cause
  }
  throw refusal('unauthenticated', howToSignIn(deps))
}

export async function requireNotEnded(deps: Deps, { session = [] }: Who): Promise<void> {
  if (session.length > 0 && (await isEnded(deps.db, session, { now: deps.now?.() }))) throw sessionEnded()
}

export const sessionEnded = (): AppError => refusal('unauthenticated', 'This session was ended; ask for a new one.')

/**
 * The session of our own that the request has, if it is still good. An identity provider's users have none here: a session of ours would
 * outlive their sign-in.
 */
export async function ownSession(request: Request, deps: Deps): Promise<(Asking & { sid: string }) | undefined> {
  const own = await ownOf(deps, tokenOf(request, deps))
  return own && !(await isEnded(deps.db, own.session, { now: deps.now?.() })) ? own : undefined
}

async function ownOf(deps: Deps, token: string | undefined) {
  try {
    return token && isOwn(token) ? await readOwnToken(deps, token) : undefined
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

/** A user of the identity provider. What this browser has made before they signed in becomes theirs. */
async function readForeign(request: Request, deps: Deps, token: string): Promise<Asking> {
  const { user_id, until } = await readForeignToken(deps, token)
  const before = await ownOf(deps, cookieOf(request, deps))
  if (before) await adopt(deps, { ...before, until: lastOf(deps, before) }, user_id)
  return { user_id, until, session: [sessionKey('token', token)] }
}

/** Whether the request's token is an identity provider's. */
export function isForeign(request: Request, deps: Deps): boolean {
  const token = tokenOf(request, deps)
  return token !== undefined && !isOwn(token)
}

/** Over https the other name isn't read: whoever may set it for the domain could slip a session of theirs under a visitor. */
const cookieOf = (request: Request, deps: Deps): string | undefined =>
  parseCookie(request.headers.get('cookie') ?? '')[cookieNameOf(request, deps)]

const tokenOf = (request: Request, deps: Deps): string | undefined => bearerOf(request) ?? cookieOf(request, deps)

const cookieNameOf = (request: Request, deps: Deps): string => (isSecure(request, deps) ? hostCookieName : cookieName)

const isSecure = (request: Request, { config }: Deps): boolean =>
  isHttps(config) || new URL(request.url).protocol === 'https:'

/**
 * Who is to check it, by the algorithm it names: ours are signed with our secret, all others with a provider's private key. Each is then
 * checked by its own rules alone, so that naming the wrong one gains nothing.
 */
function isOwn(token: string): boolean {
  try {
    return decodeProtectedHeader(token).alg === 'HS256'
  } catch {
    return true // no token at all, which our own check says best
  }
}

async function readOwnToken(deps: Deps, token: string): Promise<Asking & { sid: string }> {
  const { keys, good } = signingOf(deps)
  const now = clockOf(deps)
  const before = good.get(token)
  if (before && now < before.until) return before
  const options = { issuer, algorithms: ['HS256'], requiredClaims: ['sub', 'exp'], currentDate: now }
  const { payload } = await verifyWith(keys, (key) =>
    jwtVerify<{ sub: string; exp: number; sid?: unknown }>(token, key, options),
  )
  if (good.size >= mostGood) good.clear()
  const { sub: user_id, exp, sid: named } = payload
  // A token of an earlier version is its session's only one.
  const sid = typeof named === 'string' ? named : sessionKey('token', token)
  const session = [sessionKey('session', sid), userKey(user_id)]
  const own = { user_id, sid, session, until: new Date(exp * 1000) }
  good.set(token, own)
  return own
}

/** Tries one key after the other, until the signature fits; whatever else is wrong with a token is wrong with every key. */
async function verifyWith<T>(
  [key, ...others]: readonly KeyObject[],
  verify: (key: KeyObject) => Promise<T>,
): Promise<T> {
  if (!key) throw new errors.JWSSignatureVerificationFailed()
  return verify(key).catch((error) => {
    if (error instanceof errors.JWSSignatureVerificationFailed) return verifyWith(others, verify)
    throw error
  })
}

const howToSignIn = ({ config }: Deps): string =>
  config.ANONYMOUS_SESSIONS
    ? 'Send a session: POST /api/session gives a token and a cookie.'
    : 'Send a token of the app that this belongs to; there are no anonymous sessions here.'

/** Out of reach of scripts, and not sent along by other sites' forms. */
export const sessionCookie = (request: Request, deps: Deps, { token }: Opened): string =>
  cookie(request, deps, token, sessionSeconds)

/** Takes the cookie away. */
export const noCookie = (request: Request, deps: Deps): string => cookie(request, deps, '', 0)

function cookie(request: Request, deps: Deps, value: string, maxAge: number): string {
  return stringifySetCookie({
    name: cookieNameOf(request, deps),
    value,
    httpOnly: true,
    sameSite: 'lax',
    secure: isSecure(request, deps),
    path: '/',
    maxAge,
  })
}

interface Signing {
  keys: Keys
  /** Tokens found good: a page that polls sends the same one every few seconds. */
  good: Map<string, Asking & { sid: string }>
}

const mostGood = 1_000
/** One for each secret: what was found good with one is not good with another. */
const signings = new Map<string, Signing>()

function signingOf({ config }: Deps): Signing {
  const secret = config.SESSION_SECRET ?? ''
  const signing = signings.get(secret) ?? { keys: keysOf(config, 'session'), good: new Map() }
  signings.set(secret, signing)
  return signing
}

function refusal(code: 'unauthenticated' | 'token_expired', detail: string, cause?: unknown): AppError {
  return new AppError(code, detail, { cause, headers: { 'www-authenticate': 'Bearer' } })
}
