import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSaidByJson } from '../../src/client/said-by-json.ts';

describe('whether JSON says all of a value', () => {
  it('is so for whatever comes out of JSON', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => isSaidByJson(JSON.parse(JSON.stringify(value)))));
  });

  it.each([
    ['a Map', new Map([['to', 'everybody']])],
    ['a Set', new Set([1])],
    ['bytes', new Uint8Array([1])],
    ['an instance of a class', new Error('no')],
    ['a number that is none', Number.NaN],
    ['an infinite number', Number.POSITIVE_INFINITY],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a bigint', 1n],
    ['a hole in an array', [1, undefined]],
  ])('is not so for %s, however deep it lies', (_, value) => {
    expect([isSaidByJson(value), isSaidByJson({ a: [{ b: value }] })]).toEqual([false, false]);
  });

  it('is so for a date, which has a text of its own, and for a member that is not there', () => {
    expect(isSaidByJson({ at: new Date(0), note: undefined })).toBe(true);
  });

  it('is not so for a circle: it ends', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(isSaidByJson(circle)).toBe(false);
  });
});
