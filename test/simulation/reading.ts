// Reads which attempt a prediction belongs to out of the webhook address that it was created with.
export function readLink(webhook: string | null): { task: string; step: string } {
  const query = new URL(webhook ?? 'https://none.test').searchParams
  return { task: query.get('task') ?? '', step: query.get('step') ?? '' }
}
