import type { Decision } from '../../../src/policy/policy.ts';

export function needsApproval(): Decision {
  return {
    verdict: 'DENY',
    code: 'APPROVAL_REQUIRED',
    rule: 'ask',
    message: 'A person has to approve this.',
    controls: [],
  };
}
