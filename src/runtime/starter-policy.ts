import { readFileSync } from 'node:fs';

/** The policy that a new home starts with: default deny, and what the operator has accepted. */
export function starterPolicy(): string {
  return readFileSync(new URL('../../policies/starter.yaml', import.meta.url), 'utf8');
}
