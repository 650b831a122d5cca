/**
 * Values of `typ` whose tokens say something, and say it to somebody else: an assertion to be exchanged for a token (ID-JAG), a
 * security event (RFC 8417), a logout (OpenID Connect Back-Channel Logout), a proof (RFC 9449). Taken as a token of somebody they
 * would be a way in that their issuer never gave.
 */
const foreignTypes: readonly string[] = ['oauth-id-jag+jwt', 'secevent+jwt', 'logout+jwt', 'dpop+jwt'];

/** Whether a token of this type can speak of somebody, whatever its issuer is configured for. */
export function isTokenType(type: string): boolean {
  return !foreignTypes.includes(type);
}
