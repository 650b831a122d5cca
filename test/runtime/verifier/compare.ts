import { expect } from 'vitest';
import { makeCases } from './cases.ts';
import { answer } from './subject.ts';
import type { Answers, Cases } from './subject.ts';

interface Asked {
  readonly cases: Cases;
  readonly here: Answers;
}

/** Made and answered once, whatever the number of runtimes. */
let asked: Promise<Asked> | undefined;

async function answersHere(): Promise<Asked> {
  const cases = await makeCases();
  return { cases, here: await answer(cases) };
}

/** Has all cases answered here, in Node, and by another runtime: each whole report must be the same text. */
export async function expectSameAnswers(elsewhere: (cases: Cases) => Promise<Answers>): Promise<void> {
  asked ??= answersHere();
  const { cases, here } = await asked;
  const there = await elsewhere(cases);
  expect(byTitle(cases, there)).toEqual(byTitle(cases, here));
}

/** Titles are in the comparison so that a difference says which case it is. */
function byTitle({ reports, signatures }: Cases, answers: Answers): readonly string[] {
  return [
    ...reports.map(({ title }, at) => `${title}: ${answers.reports[at]}`),
    ...signatures.map(({ title }, at) => `${title}: ${answers.signatures[at]}`),
  ];
}
