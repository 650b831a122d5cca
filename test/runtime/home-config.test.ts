import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CountersignError } from '../../src/errors.ts';
import { readHomeSettings } from '../../src/runtime/home/home-config.ts';
import type { HomeSettings } from '../../src/runtime/home/home-config.ts';
import { homeLayout } from '../../src/runtime/home/home-layout.ts';
import { formatVkey, signatureTypes } from '../../src/tlog/vkey.ts';
import { testKey } from '../tlog/test-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function settingsOf(text: string): HomeSettings {
  const layout = homeLayout(folder);
  writeFileSync(layout.settings, text);
  return readHomeSettings({ layout });
}

function vkeyOf(name: string, type = signatureTypes.cosignatureV1 as 1 | 4): string {
  return formatVkey(testKey(name, type).key);
}

const key = vkeyOf('witness.test/1');
const url = 'https://witness.test/sub';

describe('countersign.yaml', () => {
  it('is not needed, and may say nothing', () => {
    expect(readHomeSettings({ layout: homeLayout(join(folder, 'none')) })).toEqual({
      witnesses: [],
      actsForPeople: false,
      hasGrants: false,
    });
    for (const text of ['', '# nothing yet\n', 'witnesses: []\n']) {
      expect(settingsOf(text)).toEqual({ witnesses: [], actsForPeople: false, hasGrants: false });
    }
  });

  it('says whether anybody is to be told what comes of calls, and leaves who that is to others', () => {
    expect(settingsOf('notify: { ops: 7 }\n')).toMatchObject({ notifies: true });
  });

  it('names witnesses with their keys', () => {
    const { witnesses } = settingsOf(
      `witnesses:\n  - { url: "${url}", key: "${key}" }\n  - url: "http://127.0.0.1:7390/"\n    key: ${vkeyOf('b')}\n    timeout: 0.5\n`,
    );
    expect(witnesses).toMatchObject([
      { url, key: { name: 'witness.test/1' } },
      { url: 'http://127.0.0.1:7390/', key: { name: 'b' }, timeout: 500 },
    ]);
  });

  it.each(['http://localhost:1', 'http://127.4.5.6', 'http://[::1]:7390/w'])(
    'may name this machine: %s',
    (local) => {
      expect(settingsOf(`witnesses: [{ url: "${local}", key: "${key}" }]`).witnesses.length).toBe(1);
    },
  );

  const witness = (fields: string): string => `witnesses:\n  - {${fields}}\n`;
  it.each([
    ['no YAML', 'witnesses: [', '1:13'],
    ['a list', '- 1', '1:1'],
    ['an unknown section', 'witneses: []', '1:1'],
    ['a section twice', 'witnesses: []\nwitnesses: []', '2:1'],
    ['a map of witnesses', 'witnesses: {}', '1:12'],
    ['a text for a witness', 'witnesses: [x]', '1:13'],
    ['a witness without a url', witness(`key: "${key}"`), '2:5'],
    ['a witness without a key', witness(`url: "${url}"`), '2:5'],
    ['an unknown field', witness(`url: "${url}", key: "${key}", kee: 1`), '2:'],
    ['a path for a url', witness(`url: "/w", key: "${key}"`), '2:11'],
    ['plain http', witness(`url: "http://witness.test/", key: "${key}"`), '2:11'],
    [
      'plain http to a name that looks local',
      witness(`url: "http://127.0.0.1.test/", key: "${key}"`),
      '2:11',
    ],
    ['another scheme', witness(`url: "file:///w", key: "${key}"`), '2:11'],
    ['a password', witness(`url: "https://a:b@w.test/", key: "${key}"`), '2:11'],
    ['a query', witness(`url: "https://w.test/?a", key: "${key}"`), '2:11'],
    ['a key that is none', witness(`url: "${url}", key: "${key}A"`), '2:'],
    ['the key of a log', witness(`url: "${url}", key: "${vkeyOf('l', signatureTypes.ed25519)}"`), '2:'],
    ['a key without end', witness(`url: "${url}", key: "${'a'.repeat(2_000)}${key}"`), '2:'],
    ['no time at all', witness(`url: "${url}", key: "${key}", timeout: 0`), '2:'],
    ['more time than there is', witness(`url: "${url}", key: "${key}", timeout: 6`), '2:'],
    ['time in words', witness(`url: "${url}", key: "${key}", timeout: "3s"`), '2:'],
    [
      'a witness twice',
      `${witness(`url: "${url}", key: "${key}"`)}  - {url: "https://b.test", key: "${key}"}`,
      '3:5',
    ],
    [
      'a witness under one name with two keys',
      `${witness(`url: "${url}", key: "${key}"`)}  - {url: "${url}", key: "${vkeyOf('witness.test/1')}"}`,
      '3:5',
    ],
  ])('with %s is CONFIG_INVALID, and the place is named', (_, text, place) => {
    const refusal = (): unknown => {
      try {
        return settingsOf(text);
      } catch (error) {
        return error;
      }
    };
    const error = refusal();
    expect(error).toBeInstanceOf(CountersignError);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect((error as Error).message).toContain(`countersign.yaml:${place}`);
  });
});
