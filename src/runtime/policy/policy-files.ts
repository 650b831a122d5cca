import { readFileSync } from 'node:fs';
import { CountersignError, systemCode } from '../../errors.ts';
import type { PolicySource } from '../../policy/policy.ts';

/** A file of policy as a source; its name is the path as it was given. Throws POLICY_UNREADABLE. */
export function readPolicyFile(file: string, name = file): PolicySource {
  try {
    return { name, text: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new CountersignError(
      'POLICY_UNREADABLE',
      `The file ${name} cannot be read (${systemCode(error)}).`,
      {
        cause: error,
      },
    );
  }
}
