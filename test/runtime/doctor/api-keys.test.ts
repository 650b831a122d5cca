import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkApiKeys } from '../../../src/runtime/doctor/check-api-keys.ts';
import { homeLayout, type HomeLayout } from '../../../src/runtime/home/home-layout.ts';
import { madeHome, type MadeHome } from '../made-home.ts';

let made: MadeHome;
let layout: HomeLayout;
let original: string;

beforeAll(async () => {
  made = await madeHome();
  layout = homeLayout(made.root);
  original = readFileSync(layout.apiKeys, 'utf8');
});
beforeEach(() => writeFileSync(layout.apiKeys, original));
afterAll(() => made[Symbol.dispose]());

const now = Date.UTC(2030, 0, 1);
const levels = () => checkApiKeys(layout, now).map(({ level }) => level);
const withMembers = (members: string): void =>
  writeFileSync(layout.apiKeys, original.replace('"status": "active"', members));

describe('the API keys of a home, to doctor', () => {
  it('are as they should be when one counts', () => expect(checkApiKeys(layout, now)).toEqual([]));

  it.each([
    ['are revoked', '"status": "revoked"'],
    ['have ended', '"status": "active", "notAfter": "2029-12-31T00:00:00Z"'],
    ['cannot be understood', '"status": "paused"'],
  ])('are a problem when all %s', (_, members) => {
    withMembers(members);
    expect(levels()).toEqual(['problem']);
  });

  it('are a problem when they are gone', () => {
    rmSync(layout.apiKeys);
    expect(levels()).toEqual(['problem']);
  });

  it('are worth a note when one ends within a week, unless it has a successor', () => {
    const ending = '"status": "active", "notAfter": "2030-01-05T00:00:00Z"';
    withMembers(ending);
    expect(levels()).toEqual(['note']);
    withMembers(`${ending}, "successor": "key-2"`);
    expect(levels()).toEqual([]);
    withMembers('"status": "active", "notAfter": "2030-02-05T00:00:00Z"');
    expect(levels()).toEqual([]);
  });

  it('are nobody’s where there is no home', () => {
    expect(checkApiKeys(homeLayout(made.folder), now)).toEqual([]);
  });
});
