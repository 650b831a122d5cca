/** What was taken, `[start, amount]` by time: a window is counted in slots, so that no call has to be kept. */
export type Slots = readonly (readonly [start: number, amount: number])[];

/** The slots that a window is counted in. */
const slotsPerWindow = 16;

function widthOf(window: number): number {
  return Math.max(1, Math.ceil(window / slotsPerWindow));
}

/** The start of the slot that a time lies in. Milliseconds; a window without end is one slot. */
export function slotOf(now: number, window: number): number {
  if (!Number.isFinite(window)) return 0;
  const width = widthOf(window);
  return Math.floor(now / width) * width;
}

/** The slots that count: each until its last moment has left the window, so that never less counts than was taken. */
export function slotsWithin(slots: Slots, window: number, now: number): Slots {
  return Number.isFinite(window) ? slots.filter(([start]) => start + widthOf(window) > now - window) : slots;
}

export function sumOf(slots: Slots): number {
  return slots.reduce((sum, [, amount]) => sum + amount, 0);
}

/** The slots with this much more, or less, in one of them: never less than nothing. */
export function slotsWith(slots: Slots, at: number, amount: number): Slots {
  const others = slots.filter(([start]) => start !== at);
  const before = slots.find(([start]) => start === at)?.[1] ?? 0;
  const after = Math.max(0, before + amount);
  if (after === 0) return others;
  return [...others, [at, after] as const].sort(([one], [other]) => one - other);
}

/** When the oldest slot counts no more; undefined for never. */
export function freeAgain([oldest]: Slots, window: number): number | undefined {
  return oldest === undefined || !Number.isFinite(window) ? undefined : oldest[0] + widthOf(window) + window;
}
