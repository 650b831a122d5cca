import { CountersignError, loadTrust, verifyInputs } from '../../../src/index.ts';
import type { Expectation } from '../../../src/verify/calls.ts';
import { importEd25519, importP256, verifySignature } from '../../../src/verify/crypto.ts';

/**
 * What runs unchanged in Node, in workerd and in a browser: the library as its users import it. Cases and answers are JSON,
 * bytes in it base64, so that they can cross into any runtime. There is nothing of Node in this file.
 */

/** One verification, as a caller of the library would ask for it. */
export interface VerifierCase {
  readonly title: string;
  /** `trusted_root.json`. */
  readonly trust: string;
  readonly inputs: readonly { readonly name: string; readonly bytes: string }[];
  readonly options?: {
    readonly identity?: string;
    readonly expect?: Expectation;
    readonly arguments?: string;
    readonly params?: string;
    readonly action?: string;
    readonly openings?: readonly string[];
  };
}

/** One signature, checked by itself: SubjectPublicKeyInfo, message and signature. */
export interface SignatureCase {
  readonly title: string;
  readonly algorithm: 'p256' | 'ed25519';
  readonly spki: string;
  readonly message: string;
  readonly signature: string;
}

export interface Cases {
  readonly reports: readonly VerifierCase[];
  readonly signatures: readonly SignatureCase[];
}

/** The answers, in the order of the cases. */
export interface Answers {
  /** The JSON text of each whole report, or of the error that was thrown. */
  readonly reports: readonly string[];
  readonly signatures: readonly ('key refused' | 'valid' | 'invalid')[];
}

/** A case a time: a verifier that keeps something between two of them does so in the same order everywhere. */
export async function answer(cases: Cases): Promise<Answers> {
  const reports: string[] = [];
  for (const one of cases.reports) reports.push(JSON.stringify(await report(one)));
  const signatures: Answers['signatures'][number][] = [];
  for (const one of cases.signatures) signatures.push(await checkSignature(one));
  return { reports, signatures };
}

async function report({ trust, inputs, options = {} }: VerifierCase): Promise<unknown> {
  const { arguments: args, params, action, openings, ...plain } = options;
  try {
    return await verifyInputs(
      inputs.map(({ name, bytes }) => ({ name, bytes: decode(bytes) })),
      await loadTrust(decode(trust)),
      {
        ...plain,
        ...(args !== undefined && { arguments: decode(args) }),
        ...(params !== undefined && { params: decode(params) }),
        ...(action !== undefined && { action: decode(action) }),
        ...(openings !== undefined && { openings: openings.map(decode) }),
      },
    );
  } catch (thrown) {
    // What a caller may see of a refused trust root. Anything else is a fault that differs from runtime to runtime.
    if (thrown instanceof CountersignError) return { code: thrown.code, message: thrown.message };
    return { threw: String(thrown) };
  }
}

async function checkSignature(one: SignatureCase): Promise<Answers['signatures'][number]> {
  const key = await (one.algorithm === 'p256' ? importP256 : importEd25519)(decode(one.spki));
  if (key === undefined) return 'key refused';
  return (await verifySignature(key, decode(one.message), decode(one.signature))) ? 'valid' : 'invalid';
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
