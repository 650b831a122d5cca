import type { Decision } from '../../src/policy/policy.ts';
import { allowEverything } from '../gate/harness.ts';

/** An ALLOW of what its person has confirmed. */
export function mustConfirm(): Decision {
  return {
    ...(allowEverything() as Extract<Decision, { verdict: 'ALLOW' }>),
    obligations: [{ type: 'confirm', rule: 'ask' }],
  };
}
