import { readFileSync } from 'node:fs';
import type { VerifierCase } from './subject.ts';

/** Text or bytes, as they cross into a runtime. */
export type Bytes = string | Uint8Array;

export function base64(bytes: Bytes): string {
  return Buffer.from(bytes).toString('base64');
}

export interface CaseOptions extends Pick<NonNullable<VerifierCase['options']>, 'identity' | 'expect'> {
  readonly arguments?: Bytes;
  readonly params?: Bytes;
  readonly action?: Bytes;
  readonly openings?: readonly Bytes[];
}

/** A case with its inputs named in order. */
export function verifierCase(
  title: string,
  trust: Bytes,
  input: Bytes | readonly Bytes[],
  options: CaseOptions = {},
): VerifierCase {
  const inputs = typeof input === 'string' || input instanceof Uint8Array ? [input] : input;
  const { arguments: args, params, action, openings, ...plain } = options;
  return {
    title,
    trust: base64(trust),
    inputs: inputs.map((bytes, at) => ({ name: `input ${at + 1}`, bytes: base64(bytes) })),
    options: {
      ...plain,
      ...(args !== undefined && { arguments: base64(args) }),
      ...(params !== undefined && { params: base64(params) }),
      ...(action !== undefined && { action: base64(action) }),
      ...(openings !== undefined && { openings: openings.map(base64) }),
    },
  };
}

/** A file of the known-good envelope that others made. */
export function vector(name: string): Buffer {
  return readFileSync(new URL(`../../vectors/envelope/${name}`, import.meta.url));
}
