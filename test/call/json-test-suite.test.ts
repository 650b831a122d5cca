import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../src/call/bytes.ts';
import { parseJson } from '../../src/call/json-scan.ts';
import { CountersignError } from '../../src/errors.ts';
import { vectorJson } from '../support/vectors.ts';

/** `test/vectors/json-test-suite/`: texts that a JSON parser must accept (y), must refuse (n), or may do either with (i). */
interface Case {
  readonly name: string;
  readonly input: string;
}

const cases = vectorJson('json-test-suite/parsing.json') as readonly Case[];
const transforms = vectorJson('json-test-suite/transform.json') as readonly Case[];
const named = (kind: 'y' | 'n' | 'i'): readonly Case[] =>
  cases.filter(({ name }) => name.startsWith(`${kind}_`));

/** Where the suite's authors have bytes that are no UTF-8, the package has U+FFFD. A byte that is never UTF-8 stands for them. */
function bytesOf(input: string): Uint8Array {
  const [first = '', ...more] = input.split('\ufffd');
  return concatBytes(utf8(first), ...more.flatMap((part) => [Uint8Array.of(0xff), utf8(part)]));
}

/** What we make of a text: the code of the refusal, or what another parser could read differently in it. */
function verdictOn({ input }: Case): string {
  try {
    const { ambiguities } = parseJson(bytesOf(input));
    return ambiguities.length === 0 ? 'accepted' : ambiguities.map(({ kind }) => kind).join(' ');
  } catch (thrown) {
    if (!(thrown instanceof CountersignError)) throw thrown;
    return thrown.code;
  }
}

/** The cases that are not decided as `usual`, with what we make of them. */
function exceptions(of: readonly Case[], usual: string): Readonly<Record<string, string>> {
  const verdicts = of.map((vector) => [vector.name.replace('.json', ''), verdictOn(vector)] as const);
  return Object.fromEntries(verdicts.filter(([, verdict]) => verdict !== usual));
}

describe('JSONTestSuite', () => {
  it('is there whole', () => {
    expect([named('y').length, named('n').length, named('i').length]).toEqual([95, 188, 35]);
    expect(transforms).toHaveLength(22);
  });

  it('texts that must be accepted are, and give what the platform gives', () => {
    // A key twice is JSON, and yet we say that parsers read it in two ways: no call with it is decided.
    expect(exceptions(named('y'), 'accepted')).toEqual({
      y_object_duplicated_key: 'duplicate-key',
      y_object_duplicated_key_and_value: 'duplicate-key',
    });
    for (const { name, input } of named('y')) {
      const value = JSON.stringify(parseJson(bytesOf(input)).root.value);
      expect(value, name).toBe(JSON.stringify(JSON.parse(input)));
    }
  });

  it('texts that must be refused are', () => {
    // Refused for their depth, before their end could be missed.
    expect(exceptions(named('n'), 'FRAME_INVALID')).toEqual({
      n_structure_100000_opening_arrays: 'TOO_LARGE',
      n_structure_open_array_object: 'TOO_LARGE',
    });
  });

  it('texts that may be either are refused, or said to be ambiguous', () => {
    const ambiguous = {
      i_number_double_huge_neg_exp: 'number-underflow',
      i_number_huge_exp: 'number-overflow',
      i_number_neg_int_huge_exp: 'number-overflow',
      i_number_pos_double_huge_exp: 'number-overflow',
      i_number_real_neg_overflow: 'number-overflow',
      i_number_real_pos_overflow: 'number-overflow',
      i_number_real_underflow: 'number-underflow',
      i_number_too_big_neg_int: 'inexact-integer',
      i_number_very_big_negative_int: 'inexact-integer',
      i_object_key_lone_2nd_surrogate: 'lone-surrogate',
      i_string_1st_surrogate_but_2nd_missing: 'lone-surrogate',
      i_string_1st_valid_surrogate_2nd_invalid: 'lone-surrogate',
      i_string_incomplete_surrogate_and_escape_valid: 'lone-surrogate',
      i_string_incomplete_surrogate_pair: 'lone-surrogate',
      i_string_incomplete_surrogates_escape_valid: 'lone-surrogate',
      i_string_invalid_lonely_surrogate: 'lone-surrogate',
      i_string_invalid_surrogate: 'lone-surrogate',
      'i_string_inverted_surrogates_U+1D11E': 'lone-surrogate',
      i_string_lone_second_surrogate: 'lone-surrogate',
    };
    expect(exceptions(named('i'), 'FRAME_INVALID')).toEqual({
      ...ambiguous,
      // 10^20 is 2^20 · 5^20, which a double holds exactly: all who read doubles agree.
      i_number_too_big_pos_int: 'accepted',
      i_structure_500_nested_arrays: 'TOO_LARGE',
    });
  });

  it('texts that parsers change are refused or said to be ambiguous, where two could change them differently', () => {
    expect(exceptions(transforms, 'accepted')).toEqual({
      'number_-9223372036854775809': 'inexact-integer',
      number_10000000000000000999: 'inexact-integer',
      'number_1e-999': 'number-underflow',
      number_9223372036854775807: 'inexact-integer',
      object_same_key_different_values: 'duplicate-key',
      object_same_key_same_value: 'duplicate-key',
      object_same_key_unclear_values: 'duplicate-key',
      string_1_escaped_invalid_codepoint: 'lone-surrogate',
      string_1_invalid_codepoint: 'FRAME_INVALID',
      string_2_escaped_invalid_codepoints: 'lone-surrogate',
      string_2_invalid_codepoints: 'FRAME_INVALID',
      string_3_escaped_invalid_codepoints: 'lone-surrogate',
      string_3_invalid_codepoints: 'FRAME_INVALID',
    });
  });

  it('keys that differ only in Unicode normalisation stay two keys', () => {
    for (const name of ['object_key_nfc_nfd.json', 'object_key_nfd_nfc.json']) {
      const { input } = transforms.find((vector) => vector.name === name) ?? expect.unreachable(name);
      expect(Object.keys(parseJson(utf8(input)).root.value as object)).toHaveLength(2);
    }
  });
});
