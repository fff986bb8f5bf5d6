import createError from '@fastify/error'

/** A subscriber came without a token where one is needed. */
export const TokenRequiredError = createError(
  'MSG_ERR_TOKEN_REQUIRED',
  'A token is required: send it as Authorization: Bearer <token>, as WebSocket subprotocol token.<token> beside messenger, or as ?token=',
  401
)

/** The token is not one that is accepted: malformed, forged, of another issuer or audience, not valid yet. */
export const TokenRefusedError = createError<[string]>(
  'MSG_ERR_TOKEN_REFUSED',
  'The token is refused (%s): get another one',
  401
)

/** The token was good and its time is over. */
export const TokenExpiredError = createError(
  'MSG_ERR_TOKEN_EXPIRED',
  'The token has expired: get a fresh one',
  401
)

/** The token was revoked. */
export const TokenRevokedError = createError(
  'MSG_ERR_TOKEN_REVOKED',
  'The token was revoked: get a fresh one',
  401
)

/** Who asks is known and may not do this on this channel. */
export const ChannelForbiddenError = createError<[string, string]>(
  'MSG_ERR_CHANNEL_FORBIDDEN',
  'Not allowed to %s channel %s: ask for a token that covers it',
  403
)

/** The request is for another host: perhaps a page has its own name point here. */
export const HostForbiddenError = createError<[string]>(
  'MSG_ERR_HOST_FORBIDDEN',
  'Host %s is not one of this service: add it to ALLOWED_HOSTS',
  403
)

/** A page of this origin may not subscribe. */
export const OriginForbiddenError = createError<[string]>(
  'MSG_ERR_ORIGIN_FORBIDDEN',
  'Pages of origin %s are not allowed: add it to ALLOWED_ORIGINS',
  403
)

/** Whether the token is good could not be found out: the keys cannot be fetched, or the host does not answer. */
export const AuthorizationUnavailableError = createError<[string]>(
  'MSG_ERR_AUTHORIZATION_UNAVAILABLE',
  'The right to do this could not be checked (%s): try again later',
  503
)

/** What is asked of `POST /-/tokens` or `POST /-/revocations` cannot be done. */
export const GrantInvalidError = createError<[string]>(
  'MSG_ERR_GRANT_INVALID',
  'The request is invalid: %s',
  400
)

/** This service verifies tokens and has no secret to make them with. */
export const MintingUnavailableError = createError(
  'MSG_ERR_MINTING_UNAVAILABLE',
  'Tokens cannot be made here: set TOKEN_SECRET, or make them where the private key is',
  501
)

/** More revocations are remembered than there is room for; none is forgotten early. */
export const RevocationsFullError = createError(
  'MSG_ERR_REVOCATIONS_FULL',
  'Too many revocations are remembered: give exp with each, lower TOKEN_MAX_TTL, or change the secret',
  503
)
