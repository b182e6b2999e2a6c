// Users of an identity provider: its tokens, checked with the keys that it publishes. users.ts asks here for every token that isn't one
// of our own sessions. A token that is wrong is told apart from keys that can't be had now, which is no fault of the user's.
import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Config } from '../../core/config.ts'
import { AppError } from '../../core/errors.ts'
import { clockOf, type Deps } from '../../engine/deps.ts'

/** None that signs with a secret: published keys would then be all that a forger needs. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]
/** No anonymous user's id begins so, which is a UUID: nobody can name themselves like one. */
const prefix = 'auth:'
/** Between the provider's clock and ours. */
const clockTolerance = 5

/** One for each container. Keys are kept for ten minutes; an unknown key's name asks for them again, twice a minute at most. */
const keySets = new WeakMap<Config, JWTVerifyGetKey>()

/** Whose token it is, and until when. Throws a `JOSEError` when the token is at fault, `unavailable` when the keys can't be had. */
export async function readForeignToken(deps: Deps, token: string): Promise<{ user_id: string; until: Date }> {
  const { AUTH_JWKS_URL, AUTH_ISSUER, AUTH_AUDIENCE } = deps.config
  if (!AUTH_JWKS_URL || !AUTH_ISSUER || !AUTH_AUDIENCE)
    throw new errors.JOSEAlgNotAllowed('no identity provider is configured')
  const { payload } = await jwtVerify(token, publishedKeys(deps, AUTH_JWKS_URL), {
    algorithms,
    clockTolerance,
    issuer: AUTH_ISSUER,
    ...(AUTH_AUDIENCE !== 'any' && { audience: AUTH_AUDIENCE }),
    requiredClaims: ['sub', 'exp'],
    currentDate: clockOf(deps),
  })
  const { sub, exp = 0 } = payload
  // What can be stored, and told apart in a log.
  if (typeof sub === 'string' && /^[^\p{Cc}]{1,255}$/u.test(sub))
    return { user_id: `${prefix}${sub}`, until: new Date((exp + clockTolerance) * 1000) }
  throw new errors.JWTInvalid('its subject is no user id')
}

function publishedKeys(deps: Deps, url: string): JWTVerifyGetKey {
  const known = keySets.get(deps.config)
  if (known) return known
  const published = createRemoteJWKSet(new URL(url))
  const keys: JWTVerifyGetKey = async (header, token) => {
    try {
      return await published(header, token)
    } catch (cause) {
      const isTokens = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported]
      if (isTokens.some((kind) => cause instanceof kind)) throw cause
      deps.log.warn({ err: cause }, 'the identity provider’s keys could not be fetched')
      throw new AppError('unavailable', 'Sign-ins cannot be checked now. Try again.', { cause })
    }
  }
  keySets.set(deps.config, keys)
  return keys
}
