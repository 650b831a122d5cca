import { verifiedPrincipal, type Authenticator } from './principal.ts';

/**
 * Who calls for a person whose token cannot be had, or under a grant that cannot be, is known and may nothing: each call is denied
 * in a signed verdict. What came with the key and does not hold is told first.
 */
export function refuseUnavailable({ authenticate }: Authenticator): Authenticator {
  return {
    authenticate(credentials, now) {
      const refusal = credentials.humanUnavailable ?? credentials.grantUnavailable;
      const found = authenticate(credentials, now);
      if (refusal === undefined) return found;
      return Promise.resolve(found).then((principal) =>
        verifiedPrincipal({ ...principal, refusal: principal.refusal ?? refusal }),
      );
    },
  };
}
