import { isDeepStrictEqual } from 'node:util';

/**
 * As much of Vitest as the contract suites use, for inside workerd, where Vitest itself does not run. What it does not know, it
 * refuses: a matcher that is missing must not pass.
 */

type Run = () => unknown;

export interface CollectedTest {
  readonly title: string;
  readonly run: () => Promise<void>;
}

interface Scope {
  readonly titles: readonly string[];
  readonly before: readonly Run[];
  readonly after: readonly Run[];
}

export const collected: CollectedTest[] = [];
let scope: Scope = { titles: [], before: [], after: [] };

export function describe(title: string, define: () => void): void {
  const outer = scope;
  scope = { ...outer, titles: [...outer.titles, title] };
  define();
  scope = outer;
}

export function beforeEach(run: Run): void {
  scope = { ...scope, before: [...scope.before, run] };
}

export function afterEach(run: Run): void {
  scope = { ...scope, after: [run, ...scope.after] };
}

function addTest(title: string, test: Run): void {
  const { titles, before, after } = scope;
  collected.push({
    title: [...titles, title].join(' > '),
    async run() {
      for (const hook of before) await hook();
      try {
        await test();
      } finally {
        for (const hook of after) await hook();
      }
    },
  });
}

export const it = Object.assign(addTest, {
  each:
    <T>(cases: readonly T[]) =>
    (title: string, test: (one: T) => unknown): void => {
      for (const one of cases) addTest(title.replace('%s', String(one)), () => test(one));
    },
});

/** Without properties that are undefined, and every kind of bytes as one, as Vitest compares them. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: [...value] };
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, plain(one)]));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([key, one]) => [key, plain(one)]),
  );
}

function matches(found: unknown, wanted: unknown): boolean {
  const isShape = wanted !== null && typeof wanted === 'object' && !(wanted instanceof Uint8Array);
  if (!isShape || Array.isArray(wanted)) return isDeepStrictEqual(plain(found), plain(wanted));
  if (found === null || typeof found !== 'object') return false;
  return Object.entries(wanted).every(([key, one]) => matches((found as Record<string, unknown>)[key], one));
}

function show(value: unknown): string {
  return JSON.stringify(plain(value), (_, one: unknown) => (one instanceof Map ? [...one] : one)).slice(
    0,
    600,
  );
}

export function expect(found: unknown) {
  const hold = (held: boolean, how: string, wanted: unknown): void => {
    if (!held) throw new Error(`expected ${show(found)} ${how} ${show(wanted)}`);
  };
  return {
    toBe: (wanted: unknown) => hold(Object.is(found, wanted), 'to be', wanted),
    toEqual: (wanted: unknown) => hold(isDeepStrictEqual(plain(found), plain(wanted)), 'to equal', wanted),
    toMatchObject: (wanted: object) => hold(matches(found, wanted), 'to match', wanted),
    toBeNull: () => hold(found === null, 'to be', null),
    toBeUndefined: () => hold(found === undefined, 'to be', undefined),
  };
}
