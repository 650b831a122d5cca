import { expect } from 'vitest';
import { metaKeys } from '../../src/names.ts';

/** Asserts that `text` is `original` with our envelope in it and nothing else changed. */
export function expectOnlySpliced(text: string, original: string): void {
  const at = text.indexOf(`"${metaKeys.envelope}":`);
  expect(at).toBeGreaterThan(0);
  const inside = text.slice(0, at);
  const before = original.startsWith(inside) ? inside : inside.replace(/"(?:_meta|data)":\{$/, '');
  const after = original.slice(before.length);
  expect(original.startsWith(before)).toBe(true);
  expect(text.endsWith(after)).toBe(true);
  const inserted = text.slice(before.length, text.length - after.length);
  const own = /^(?:"(?:_meta|data)":(\{.*\})|(".*)),?$/.exec(inserted);
  const members = JSON.parse(own?.[1] ?? `{${(own?.[2] ?? '').replace(/,$/, '')}}`) as object;
  expect(Object.keys(members)).toEqual([metaKeys.envelope]);
}
