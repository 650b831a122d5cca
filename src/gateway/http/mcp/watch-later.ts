import type { Watch } from '../streams.ts';

/** Milliseconds in which a call that was stopped is settled, and its answer leaves. */
export const answersLeaveMs = 500;

/** The same watch, told so many milliseconds later. */
export function later(watch: Watch, ms: number): Watch {
  return (until) => {
    const good = watch(until);
    const over = new AbortController();
    const begin = (): void => {
      const timer = setTimeout(() => over.abort(good.reason), ms);
      until.addEventListener('abort', () => clearTimeout(timer), { once: true });
    };
    if (good.aborted) begin();
    else good.addEventListener('abort', begin, { once: true });
    return over.signal;
  };
}
