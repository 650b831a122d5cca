import type { Call } from '../call/call.ts';
import type { Json, JsonObject } from '../call/json.ts';
import { canonicalJson } from '../call/canonical-json.ts';
import { resolve } from '../call/pointer.ts';
import { parseFieldPattern } from '../policy/field-pattern.ts';
import type { Obligation } from '../policy/obligation.ts';
import { redactJson, redactorsOf } from '../policy/redact.ts';

/**
 * The call with the arguments that policy sets or takes out; the call itself when they are the same already. Undefined when this
 * wire cannot carry other arguments than the caller's.
 */
export async function withChangedArguments(
  call: Call,
  obligations: readonly Obligation[],
): Promise<Call | undefined> {
  let changed: JsonObject = call.arguments;
  for (const obligation of obligations) changed = await changedBy(changed, obligation);
  const given = changed;
  if (!obligations.every((obligation) => isSet(given, obligation))) return undefined;
  if (given === call.arguments || canonicalJson(given) === canonicalJson(call.arguments)) return call;
  const carried = call.withArguments?.(given);
  return carried && { ...call, ...carried };
}

/** Whether an obligation is one that changes arguments. */
export function changesArguments(obligation: Obligation): boolean {
  return obligation.type === 'transform' || (obligation.type === 'redact' && obligation.of === 'arguments');
}

async function changedBy(given: JsonObject, obligation: Obligation): Promise<JsonObject> {
  if (obligation.type === 'redact' && obligation.of === 'arguments')
    return redactJson(given, await redactorsOf([obligation])) as JsonObject;
  if (obligation.type !== 'transform') return given;
  return Object.entries(obligation.set).reduce<JsonObject>(
    (args, [pointer, value]) => setAt(args, parseFieldPattern(pointer) ?? [], value) as JsonObject,
    given,
  );
}

/** Whether what an obligation sets is there: an element that a list does not have cannot be, nor what a later one set otherwise. */
function isSet(changed: JsonObject, obligation: Obligation): boolean {
  if (obligation.type !== 'transform') return true;
  return Object.entries(obligation.set).every(([pointer, value]) => {
    const found = resolve(changed, pointer);
    return found !== undefined && canonicalJson(found) === canonicalJson(value);
  });
}

/** A copy with one value set; what is no object on the way becomes one. */
function setAt(value: Json | undefined, [first, ...rest]: readonly string[], set: Json): Json {
  if (first === undefined) return set;
  if (Array.isArray(value)) {
    const index = Number(first);
    return value.map((one, at) => (at === index ? setAt(one, rest, set) : one));
  }
  const entries = Object.entries(typeof value === 'object' && value !== null ? value : {});
  const inner = entries.find(([key]) => key === first)?.[1];
  const others = entries.filter(([key]) => key !== first);
  return Object.fromEntries([...others, [first, setAt(inner, rest, set)]]);
}
