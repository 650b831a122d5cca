import { commit, commitJson } from '../call/commitment.ts';
import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import { pointer, resolve } from '../call/pointer.ts';
import { hex } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { fail } from './codes.ts';
import type { Answer } from './documents.ts';
import type { Openings } from './openings.ts';
import type { OutcomeFacts, VerdictFacts } from './predicates.ts';

/**
 * Binding: an envelope is only evidence of the call and the result that open its commitments. A genuine envelope beside
 * a forged result is the first thing that a forger would try.
 */

/** Every argument must open the verdict's commitment to it, and every commitment must have been opened. */
export function requireArguments(facts: VerdictFacts, openings: Openings, given: Json): void {
  for (const [path, commitment] of facts.arguments) {
    const field = `arguments["${path}"]`;
    const value = resolve(given, path);
    const salt = openings.arguments.get(path);
    if (value === undefined)
      return fail('UNBOUND', field, 'The verdict is about an argument that is not given.');
    if (salt === undefined) return fail('UNBOUND', field, 'There is no salt to open this argument with.');
    if (!opensJson(salt, value, commitment))
      fail('UNBOUND', field, 'This is not the argument that was decided on.');
  }
  if (!isJsonObject(given)) return fail('UNBOUND', 'arguments', 'Arguments are an object.');
  for (const name of Object.keys(given)) {
    if (!facts.arguments.has(pointer(name))) {
      fail(
        'UNBOUND',
        `arguments["${pointer(name)}"]`,
        'The verdict does not commit to this argument by itself: the action document opens it.',
      );
    }
  }
}

/** The exact bytes of `params`: those that were decided on, or those that were asked with, before policy changed the arguments. */
export function requireParams(
  facts: VerdictFacts,
  openings: Openings,
  params: Uint8Array,
): 'opened' | 'asked' {
  const opened = (salt: Uint8Array | undefined, commitment: string | undefined): boolean =>
    salt !== undefined && commitment !== undefined && opens(salt, params, commitment);
  if (opened(openings.params, facts.params)) return 'opened';
  if (opened(openings.asked, facts.asked)) return 'asked';
  return fail('UNBOUND', 'params', 'These are not the params that were decided on.');
}

/** A result as it lies there, our members taken out: what the server may have sent. */
export interface GivenResult {
  readonly originals: readonly Uint8Array[];
  readonly values: readonly Json[];
  /** Whether two parsers could read the values differently: then only bytes can open anything. */
  readonly ambiguous: boolean;
}

/** Which of the outcome's commitments the result opens. Fails with UNBOUND when it opens neither. */
export function requireResult(
  facts: OutcomeFacts,
  openings: Openings,
  given: GivenResult,
): 'raw' | 'normalised' {
  const { raw, normalised } = facts.result ?? {};
  const salts = openings.result;
  if (raw !== undefined && given.originals.some((bytes) => salts.raw && opens(salts.raw, bytes, raw)))
    return 'raw';
  const opensValue = (value: Json): boolean =>
    normalised !== undefined &&
    salts.normalised !== undefined &&
    opensJson(salts.normalised, value, normalised);
  if (!given.ambiguous && given.values.flatMap(asServersSay).some(opensValue)) return 'normalised';
  return fail('UNBOUND', 'result', 'This is not the result that the outcome is about.');
}

/**
 * Clients of revision 2026-07-28 take `resultType` off a complete result before they hand it on, as they would have read its
 * absence in the same way.
 */
function asServersSay(value: Json): Json[] {
  const mayLackType = isJsonObject(value) && !Object.hasOwn(value, 'resultType');
  return mayLackType ? [value, { ...value, resultType: 'complete' }] : [value];
}

/**
 * An answer that the gate gave in the server's place has no commitment: it must say what the signed reason says, to
 * machines and to people, and nothing besides. Else a signed DENY would lend itself to any text.
 */
export function requireReason(
  reason: VerdictFacts['reason'],
  answer: Pick<Answer, 'denial' | 'value' | 'isError' | 'isBare'>,
): void {
  const { denial, value, isError, isBare } = answer;
  const agrees =
    isJsonObject(denial) &&
    denial['code'] === reason.code &&
    denial['message'] === reason.message &&
    denial['rule'] === reason.rule;
  if (!agrees) fail('UNBOUND', 'denial', 'The refusal does not give the reason that was signed.');
  if (isBare) return;
  const told = isError ? toldByError(value) : toldByResult(value);
  if (told === undefined || !saysOnly(told, reason)) {
    fail('UNBOUND', isError ? 'error' : 'result', 'The answer does not read as the refusal that was signed.');
  }
}

/** What a result tells its reader; undefined when it is not a failure of one text and nothing more. */
function toldByResult(result: JsonObject): string | undefined {
  const known = ['content', 'isError', '_meta', 'resultType'];
  const content = result['content'];
  if (Object.keys(result).some((key) => !known.includes(key))) return undefined;
  if (result['isError'] !== true || !Array.isArray(content) || content.length !== 1) return undefined;
  const [block] = content;
  if (!isJsonObject(block) || block['type'] !== 'text' || Object.keys(block).length !== 2) return undefined;
  return typeof block['text'] === 'string' ? block['text'] : undefined;
}

function toldByError({ code, message, data, ...more }: JsonObject): string | undefined {
  if (typeof code !== 'number' || !isJsonObject(data) || Object.keys(more).length > 0) return undefined;
  return typeof message === 'string' ? message : undefined;
}

/** The signed message and code, in whatever punctuation. */
function saysOnly(text: string, { code, message }: VerdictFacts['reason']): boolean {
  if (code === undefined || message === undefined || !text.includes(message)) return false;
  return /^[\s().:,;[\]-]*$/.test(text.replace(message, '').replace(code, ''));
}

function opens(salt: Uint8Array, bytes: Uint8Array, commitment: string): boolean {
  return hex(commit(salt, bytes)) === commitment;
}

function opensJson(salt: Uint8Array, value: Json, commitment: string): boolean {
  try {
    return hex(commitJson(salt, value)) === commitment;
  } catch (thrown) {
    if (thrown instanceof CountersignError) return false; // no canonical form, so nothing was committed to
    throw thrown;
  }
}
