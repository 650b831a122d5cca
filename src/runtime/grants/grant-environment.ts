import { CountersignError } from '../../errors.ts';
import { grantLimits } from '../../identity/grants/grant.ts';
import { variableFile } from '../login/variable-file.ts';

export const grantVariable = 'COUNTERSIGN_GRANT';
export const grantFileVariable = 'COUNTERSIGN_GRANT_FILE';

/**
 * The grant that calls are narrowed to; undefined where there is none. It is asked before each call. Rejects with GRANT_INVALID
 * where there should be one and none can be had: a call without it would be allowed more.
 */
export type GrantSource = () => Promise<string | undefined>;

/**
 * The grant that the environment brings, or names the file of; undefined where it does neither.
 *
 * @throws CountersignError `CONFIG_INVALID` when it does both, and for an empty one: whoever sets it means to narrow.
 */
export function environmentGrant(env: Readonly<Record<string, string | undefined>>): GrantSource | undefined {
  const [grant, file] = [env[grantVariable], env[grantFileVariable]];
  if (grant !== undefined && file !== undefined)
    throw new CountersignError('CONFIG_INVALID', `Set ${grantVariable} or ${grantFileVariable}, not both.`);
  if (file !== undefined)
    return variableFile({
      file,
      variable: grantFileVariable,
      maxBytes: grantLimits.length + 2,
      code: 'GRANT_INVALID',
    });
  if (grant === undefined) return undefined;
  if (grant === '') throw new CountersignError('CONFIG_INVALID', `${grantVariable} is empty.`);
  const given = Promise.resolve(grant);
  return () => given;
}
