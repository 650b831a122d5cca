import { beforeAll, describe, expect, it } from 'vitest';
import { makeCases } from './verifier/cases.ts';
import { answer } from './verifier/subject.ts';
import type { Answers, Cases } from './verifier/subject.ts';

/** The runtimes must agree; that what they agree on is right is for Node alone to show. */
describe('the cases that every runtime is asked', () => {
  let cases: Cases;
  let answers: Answers;
  beforeAll(async () => {
    cases = await makeCases();
    answers = await answer(cases);
  }, 300_000);
  const titled = (wanted: (text: string) => boolean): string[] =>
    cases.reports.flatMap(({ title }, at) => (wanted(answers.reports[at] ?? '') ? [title] : []));

  it('have titles that tell them apart', () => {
    const titles = [...cases.reports, ...cases.signatures].map(({ title }) => title);
    expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
  });

  it('never make the verifier throw', () => {
    expect(titled((text) => text.startsWith('{"threw"'))).toEqual([]);
  });

  it('are accepted where they should be, and nowhere else', () => {
    expect(titled((text) => text.startsWith('{"ok":true'))).toEqual([
      'bundle02.json',
      'bundle03.json',
      'both, for their identity and action',
      'an answer with its envelopes',
      'as a JSON-RPC response',
      'verdict and outcome in two inputs',
      'outcome before verdict, in lines',
      'a verdict alone',
      'with its params',
      'an opening',
      'a denial',
      'a call of unknown outcome',
      'several calls',
      'an older head of the log',
      'arguments with odd numbers and strings',
      'the same, by the action document',
      'the same, one number in another spelling',
      'a result with odd numbers',
      'a checkpoint as the RFC says',
      // It is a key that only its owner can have made so, and its signatures hold for everybody.
      'a checkpoint with a part of small order in the key, which the equation loses',
      'a statement signed as the RFC says',
      // ECDSA is malleable. Log and timestamp are about the one signature that was logged.
      'a statement signed with the other s',
    ]);
  });

  it('meet the reasons to refuse, from form to meaning', () => {
    const codes = new Set(answers.reports.flatMap((text) => text.match(/(?<="code":")[A-Z_]+/g) ?? []));
    expect([...codes]).toEqual(
      expect.arrayContaining<string>([
        'BUNDLE_MALFORMED',
        'BUNDLE_UNKNOWN_FIELD',
        'CERTIFICATE_CHAIN',
        'CERTIFICATE_IDENTITY',
        'CHECKPOINT_INVALID',
        'CONFIG_INVALID',
        'EXPECTATION_FAILED',
        'INCLUSION_INVALID',
        'INPUT_MALFORMED',
        'LEAF_MISMATCH',
        'LOG_ENTRY_MISSING',
        'LOG_INDEX_MISMATCH',
        'SIGNATURE_COUNT',
        'SIGNATURE_INVALID',
        'SUBJECT_MISMATCH',
        'TIMESTAMP_INVALID',
        'TIMESTAMP_MISSING',
        'TOO_LARGE',
        'UNBOUND',
      ]),
    );
  });

  it('have signatures that hold where they should, and nowhere else', () => {
    const odd = cases.signatures.filter(
      ({ title }, at) => !title.includes('_test.json') && answers.signatures[at] === 'valid',
    );
    expect(odd.map(({ title }) => title)).toEqual([
      'Ed25519 as the RFC says',
      'Ed25519 with a part of small order in the key, which the equation loses',
    ]);
  });
});
