import type { ReasonCode } from '../names.ts';

/** Why something ends that was good when it began: what it relied on was taken back, or whether it was cannot be told. */
export const revocationCodes = [
  'API_KEY_REVOKED',
  'AGENT_REVOKED',
  'HUMAN_REVOKED',
  'SESSION_REVOKED',
  'DEVICE_REVOKED',
  'TOOL_REVOKED',
  'EVERYTHING_REVOKED',
  'REVOCATIONS_UNREADABLE',
] as const satisfies readonly ReasonCode[];

export type RevocationCode = (typeof revocationCodes)[number];

export function isRevocationCode(code: ReasonCode): code is RevocationCode {
  return (revocationCodes as readonly ReasonCode[]).includes(code);
}
