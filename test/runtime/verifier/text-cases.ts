import type { TestTrustSystem } from '../../support/trust-system.ts';
import { allowedCall, splice } from '../../verify/calls.ts';
import { vector, verifierCase } from './case.ts';
import type { Bytes } from './case.ts';
import type { VerifierCase } from './subject.ts';

/**
 * Texts that readers of base64, UTF-8, JSON, Unicode and numbers are known to disagree on. Each runtime brings its own
 * readers of the first two, and its own version of Unicode.
 */
export async function textCases(system: TestTrustSystem): Promise<VerifierCase[]> {
  return [...bundleTexts(), ...answerTexts(), ...(await values(system))];
}

const trust = vector('trusted_root.json');
const good = vector('bundle03.json').toString();

function bundleTexts(): VerifierCase[] {
  const token = /"signedTimestamp":"([^"]+)"/.exec(good)?.[1] ?? '';
  const bytes = (...parts: readonly Bytes[]): Buffer => Buffer.concat(parts.map((part) => Buffer.from(part)));
  const withToken = (text: string): string => good.replace(token, () => text);
  const variants: Readonly<Record<string, Bytes>> = {
    'base64 with a space': withToken(`${token.slice(0, 8)} ${token.slice(8)}`),
    'base64 with an escaped line feed': withToken(`${token}\\n`),
    'base64 without its padding': withToken(token.replace(/=+$/, '')),
    'base64 with more padding': withToken(`${token}=`),
    'base64 for URLs': withToken(token.replaceAll('+', '-').replaceAll('/', '_')),
    'base64 with bits that are not used': withToken(spareBits(token)),
    'base64 with a letter beyond Latin-1': withToken(`${token.slice(0, 8)}Ā${token.slice(9)}`),
    'base64 with a NUL': withToken(`${token.slice(0, 8)}\\u0000${token.slice(9)}`),
    'base64 that is empty': withToken(''),
    'a byte order mark': `\ufeff${good}`,
    'UTF-16': Buffer.from(good, 'utf16le'),
    'a byte that UTF-8 has not': bytes(good.slice(0, -2), Uint8Array.of(0xff), '}'),
    'an overlong encoding': bytes(good.replace('"mediaType"', ''), Uint8Array.of(0xc0, 0xaf)),
    'an encoded surrogate': bytes('{"mediaType":"', Uint8Array.of(0xed, 0xa0, 0x80), '"}'),
    'a code point beyond Unicode': bytes('{"mediaType":"', Uint8Array.of(0xf4, 0x90, 0x80, 0x80), '"}'),
    'UTF-8 that is cut off': bytes('{"mediaType":"', Uint8Array.of(0xe2, 0x82)),
    'a lone surrogate': good.replace('"mediaType":"', '"mediaType":"\\ud800'),
    'a key twice': good.replace('"mediaType"', '"mediaType":"","mediaType"'),
    'a key called __proto__': good.replace('"mediaType"', '"__proto__":{},"mediaType"'),
    'a key called constructor': good.replace('"mediaType"', '"constructor":{},"mediaType"'),
    'a comma at the end': good.replace(/\}\s*$/, ',}'),
    'a comment': `/**/${good}`,
    NaN: '{"mediaType":NaN}',
    'whitespace that only JavaScript has': `\u00a0${good}`,
    'a control character in a string': '{"mediaType":"\u0001"}',
    'half of it': good.slice(0, good.length / 2),
    nothing: '',
    'as deep as a caller’s stack': '['.repeat(100_000),
    'more values than it may have': `{"mediaType":[${'1,'.repeat(200_000)}1]}`,
  };
  return Object.entries(variants).map(([title, text]) => verifierCase(`a bundle: ${title}`, trust, text));
}

/** The last character of the last group, with its unused bits set. */
function spareBits(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const at = text.replace(/=+$/, '').length - 1;
  const digit = alphabet.indexOf(text[at] ?? 'A');
  return `${text.slice(0, at)}${alphabet[digit ^ 1] ?? ''}${text.slice(at + 1)}`;
}

/** Pairs of letters that are one letter in two cases, by the Unicode version that paired them. */
const twins: Readonly<Record<string, readonly [string, string]>> = {
  ASCII: ['k', 'K'],
  'KELVIN SIGN (1.1)': ['k', '\u212a'],
  'LONG S (1.1)': ['s', '\u017f'],
  'FINAL SIGMA (1.1)': ['σ', 'ς'],
  'SHARP S (5.1)': ['ß', 'ẞ'],
  'CHEROKEE (8.0)': ['\u13a0', '\uab70'],
  'ADLAM (9.0)': ['\u{1e900}', '\u{1e922}'],
  'MEDEFAIDRIN (11.0)': ['\u{16e40}', '\u{16e60}'],
  'VITHKUQI (14.0)': ['\u{10570}', '\u{10597}'],
  'GARAY (16.0)': ['\u{10d50}', '\u{10d70}'],
  'LAMBDA WITH STROKE (16.0)': ['\ua7da', '\ua7db'],
  'BERIA ERFE (17.0)': ['\u{16ea0}', '\u{16ebb}'],
};

function answerTexts(): VerifierCase[] {
  return Object.entries(twins).map(([title, [a, b]]) =>
    verifierCase(`case twins: ${title}`, trust, good.replace('"mediaType"', `"${a}":1,"${b}":1,"mediaType"`)),
  );
}

/** Numbers of RFC 8785 appendix B and others at the edges of a double, as JSON text. */
const numbers = [
  '0',
  '-0',
  '5e-324',
  '-5e-324',
  '1.7976931348623157e308',
  '9007199254740992',
  '-9007199254740992',
  '295147905179352830000',
  '9.999999999999997e22',
  '1e23',
  '1.0000000000000001e23',
  '999999999999999700000',
  '999999999999999900000',
  '1e21',
  '9.999999999999997e-7',
  '0.000001',
  '333333333.3333332',
  '333333333.33333325',
  '333333333.3333333',
  '333333333.3333334',
  '333333333.33333343',
  '-0.0000033333333333333333',
  '1424953923781206.2',
  '4.50',
  '2e-3',
  '1E30',
  '0.1',
  '2.2250738585072014e-308',
];

/** Strings whose order, escapes or forms differ between libraries. */
const strings = [
  '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
  '\u0080',
  '\u2028\u2029',
  '\ufb33',
  '\u{1f600}',
  'é',
  'e\u0301',
  '\u007f',
  '\u0000',
  '\ufffd',
  '\u0130',
  'ſ',
];

async function values(system: TestTrustSystem): Promise<VerifierCase[]> {
  // An integer that is no double is refused: parsers differ in what they make of it.
  const fit = numbers.filter((text) => Math.abs(Number(text)) < 2 ** 53 || /[.e]/i.test(text));
  const args = Object.fromEntries([
    ...fit.map((text, at) => [`n${at}`, Number(text)] as const),
    ...strings.map((text, at) => [`s${at}`, text] as const),
    ['keys', Object.fromEntries(strings.map((text, at) => [`${text}.`, at]))] as const,
    ['many', fit.map(Number)] as const,
  ]);
  const call = await allowedCall(system, { arguments: args });
  const digits = `{"content":[],"n":[${numbers.join(',')}]}`;
  const given = await allowedCall(system, { result: digits });
  const reprinted = JSON.stringify(JSON.parse(digits));
  const envelope =
    /^\{"_meta":\{"dev\.countersign\/envelope":(.*?)\},"content"/.exec(given.answer)?.[1] ?? '{}';
  const root = system.trustedRootBytes;
  const spelt = JSON.stringify(args).replace('"n0":0,', '"n0":0e1,');
  return [
    verifierCase('arguments with odd numbers and strings', root, call.answer, {
      arguments: JSON.stringify(args),
    }),
    verifierCase('the same, by the action document', root, [call.verdict, call.outcome], {
      action: call.action,
      arguments: JSON.stringify(args),
    }),
    verifierCase('the same, one of them another', root, call.answer, {
      arguments: JSON.stringify({ ...args, s5: 'e\u0301' }),
    }),
    verifierCase('the same, one number in another spelling', root, call.answer, { arguments: spelt }),
    verifierCase('arguments with integers that are no doubles', root, call.answer, {
      arguments: `{"n":[${numbers.join(',')}]}`,
    }),
    verifierCase('a result with odd numbers', root, given.answer),
    verifierCase('the same, printed by another', root, splice(reprinted, envelope)),
  ];
}
