import type { Call } from '../call/call.ts';
import { pointer } from '../call/pointer.ts';
import type { SideRow } from '../ledger/ledger.ts';
import type { PlaintextField, Policy } from '../policy/policy.ts';
import { keep, strictest, type Treatment } from '../policy/treatment.ts';
import { sealRow } from './sealed-row.ts';

/** What opens one commitment of a call, before policy has said what is kept of it. */
export interface Kept extends Required<SideRow> {
  /** `principal`: a field of who called that is committed to, because it must be erasable; policy says nothing of it. */
  readonly field: PlaintextField | 'principal';
}

type TreatmentOf = (field: Kept['field']) => Treatment;

/** The side rows of a verdict, as policy has them. Rejects with SEALING_FAILED. */
export async function sideOfCall(
  call: Call,
  kept: readonly Kept[],
  policy: Policy,
): Promise<readonly SideRow[]> {
  const treatment = treatmentsOf(call, policy);
  const arguments_ = (field: Kept['field']): boolean => field.startsWith('/');
  // The action document holds every argument: where it is readable, a second copy says nothing more.
  const actionReadable = treatment('action').kind === 'keep';
  return treated(
    call.id,
    kept.map((row) => ({
      ...row,
      redundant: row.value.length === 0 || (actionReadable && arguments_(row.field)),
    })),
    treatment,
  );
}

/**
 * The side rows of an outcome. What cannot be sealed is dropped: what ran already must get into the log, and
 * nothing must be kept that policy wants sealed.
 */
export async function sideOfResult(
  call: Call,
  kept: readonly (Kept & Redundant)[],
  policy: Policy,
): Promise<readonly SideRow[]> {
  const tool = toolOf(call);
  try {
    return await treated(call.id, kept, (field) =>
      field === 'principal' ? keep : policy.plaintextOf(tool, field),
    );
  } catch {
    return [];
  }
}

export interface Redundant {
  /** Whether another row holds the value too. */
  readonly redundant: boolean;
}

/**
 * The treatment of each field. A part that holds all arguments takes the strictest of what is said of itself and of each
 * argument: one that must not be kept must not be kept in there either.
 */
function treatmentsOf(call: Call, policy: Policy): TreatmentOf {
  const tool = toolOf(call);
  const own = (field: PlaintextField): Treatment => policy.plaintextOf(tool, field);
  const ofArguments = Object.keys(call.arguments)
    .map((name) => own(pointer(name) as PlaintextField))
    .reduce(strictest, keep);
  return (field) => {
    if (field === 'principal') return keep;
    if (field.startsWith('/')) return own(field);
    const whole = strictest(own(field), ofArguments);
    return field === 'action' ? strictest(whole, ofDigest(own('params'))) : whole;
  };
}

/**
 * The action document holds a bare digest of `params`, which lets a guess be tried out as their salt would. Where that is not
 * to be kept, neither is the digest.
 */
function ofDigest(params: Treatment): Treatment {
  return params.kind === 'redact' ? keep : params;
}

function toolOf({ server, tool }: Call): { readonly server: string; readonly name: string } {
  return { server: server.name, name: tool };
}

function treated(
  callId: string,
  kept: readonly (Kept & Redundant)[],
  treatmentOf: TreatmentOf,
): Promise<readonly SideRow[]> {
  const rows: Promise<SideRow>[] = [];
  for (const { field, name, salt, value, redundant } of kept) {
    const whole = redundant ? { name, salt } : { name, salt, value };
    const treatment = treatmentOf(field);
    switch (treatment.kind) {
      case 'keep':
        rows.push(Promise.resolve(whole));
        break;
      case 'redact':
        rows.push(Promise.resolve({ name, salt }));
        break;
      case 'encrypt':
        rows.push(sealRow(callId, whole, treatment.recipient));
        break;
      case 'drop':
        break;
    }
  }
  return Promise.all(rows);
}
