import { describe, expect, it } from 'vitest';
import { foldCase } from '../../src/call/case-fold.ts';

const twins = (a: string, b: string): boolean => foldCase(a) === foldCase(b);

describe('simple case folding', () => {
  it.each([
    ['K', 'k', 'ASCII capitals'],
    ['\u212a', 'k', 'the Kelvin sign'],
    ['\u017f', 'S', 'the long s'],
    ['\u212b', '\u00e5', 'the Angstrom sign'],
    ['\u2126', '\u03c9', 'the Ohm sign'],
    ['\u00b5', '\u03bc', 'the micro sign'],
    ['\u03c2', '\u03c3', 'final and medial sigma'],
    ['\u0345', '\u03b9', 'the iota subscript'],
    ['\u1fbe', '\u0399', 'the prosgegrammeni'],
    ['\u1e9e', '\u00df', 'capital and small sharp s'],
    ['\u01c5', '\u01c6', 'a title-case digraph'],
    ['\u1fbc', '\u1fb3', 'a Greek letter whose full folding has two characters'],
    ['\u13a0', '\uab70', 'Cherokee, which folds to its capitals'],
    ['\u1c90', '\u10d0', 'Georgian'],
    ['\u1fd3', '\u0390', 'two spellings of one Greek letter'],
    ['\ufb05', '\ufb06', 'the two st ligatures'],
    ['\u{10400}', '\u{10428}', 'Deseret, beyond the basic plane'],
  ])('finds %j and %j equal: %s', (a, b) => {
    expect(twins(a, b)).toBe(true);
  });

  it.each([
    ['\u00df', 'ss', 'full folding only'],
    ['\u0130', 'i', 'Turkic folding only'],
    ['\u0130', 'i\u0307', 'full folding only'],
    ['\u0131', 'i', 'Turkic folding only'],
    ['\ufb00', 'ff', 'full folding only'],
    ['\u00e9', 'e\u0301', 'normalisation is not folding'],
    ['\uff4b', 'k', 'compatibility is not folding'],
    ['a-b', 'a_b', 'punctuation counts'],
  ])('tells %j and %j apart: %s', (a, b) => {
    expect(twins(a, b)).toBe(false);
  });

  // With the flags i and u a regular expression compares by simple case folding (ECMA-262, Canonicalize): slow, but
  // independent of what is tested.
  it('draws the same classes as the platform, for every character that has case', () => {
    const cased: string[] = [];
    for (let point = 0; point < 0x110000; point++) {
      const character = String.fromCodePoint(point);
      if (!character.isWellFormed()) continue;
      const hasCase = character.toLowerCase() !== character || character.toUpperCase() !== character;
      if (hasCase || foldCase(character) !== character) cased.push(character);
    }
    const classes = Map.groupBy(cased, foldCase);
    const all = cased.join('');
    const wrong = cased.filter((character) => {
      const pattern = new RegExp(`\\u{${character.codePointAt(0)!.toString(16)}}`, 'giu');
      return all.match(pattern)!.join('') !== classes.get(foldCase(character))!.join('');
    });
    expect(cased.length).toBeGreaterThan(2800);
    expect(wrong).toEqual([]);
  });
});
