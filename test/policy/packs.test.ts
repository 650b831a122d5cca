import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inputOf, readPackCases } from './support/cases.ts';

const files = readdirSync('policies');
const packs = files.filter((file) => file.endsWith('.yaml') && !file.endsWith('.cases.yaml'));

it.each(packs)('%s has cases beside it', (pack) => {
  expect(files).toContain(pack.replace('.yaml', '.cases.yaml'));
});

describe.each(files.filter((file) => file.endsWith('.cases.yaml')))('%s', (file) => {
  const { policy, cases } = readPackCases(`policies/${file}`);

  it.each(cases.map((one) => [one.title, one] as const))('%s', (_, one) => {
    expect(policy.decide(inputOf(one))).toMatchObject(one.expect);
  });
});
