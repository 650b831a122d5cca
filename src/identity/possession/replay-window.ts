import { CountersignError } from '../../errors.ts';

export interface ReplayWindowOptions {
  /** Names that are remembered at a time: of one owner, and of all of them together. */
  readonly perOwner: number;
  readonly all: number;
}

/** What was used, for as long as it could be used again. */
export interface ReplayWindow {
  /**
   * Takes a name of an owner's; false when it was taken before. It is remembered until `until`, and `until` is past already when
   * it may have been forgotten: then it is false as well. Wall milliseconds.
   *
   * Nothing is forgotten early: throws KEY_OVER_LIMIT when this owner has no place left, and GATE_BUSY when nobody has.
   */
  take(owner: string, name: string, until: number, now: number): boolean;
}

const slotMs = 1_000;

/**
 * Names go by time alone. Whoever floods it fills what is his, and is told so; the places of the others hold what they hold.
 */
export function createReplayWindow({ perOwner, all }: ReplayWindowOptions): ReplayWindow {
  const taken = new Map<string, Set<string>>();
  /** What ends within the same second, so that forgetting costs nothing until there is something to forget. */
  const slots = new Map<number, (readonly [owner: string, name: string])[]>();
  let count = 0;
  /** A clock that steps back must not bring to life what was forgotten. */
  let forgottenUntil = -Infinity;

  const forget = (now: number): void => {
    const current = Math.floor(now / slotMs);
    if (current * slotMs <= forgottenUntil) return;
    forgottenUntil = current * slotMs;
    for (const [slot, names] of slots) {
      if (slot >= current) continue;
      slots.delete(slot);
      for (const [owner, name] of names) release(owner, name);
    }
  };
  const release = (owner: string, name: string): void => {
    const names = taken.get(owner);
    names?.delete(name);
    if (names?.size === 0) taken.delete(owner);
    count -= 1;
  };

  return {
    take(owner, name, until, now) {
      forget(now);
      const names = taken.get(owner);
      if (until < forgottenUntil || names?.has(name) === true) return false;
      if ((names?.size ?? 0) >= perOwner)
        throw new CountersignError(
          'KEY_OVER_LIMIT',
          'One key has used more proofs than can be remembered: wait a minute, or sign fewer of them.',
        );
      if (count >= all)
        throw new CountersignError('GATE_BUSY', 'More proofs were used than can be remembered: try again.');
      count += 1;
      if (names === undefined) taken.set(owner, new Set([name]));
      else names.add(name);
      const slot = Math.floor(until / slotMs);
      const ending = slots.get(slot);
      if (ending === undefined) slots.set(slot, [[owner, name]]);
      else ending.push([owner, name]);
      return true;
    },
  };
}
