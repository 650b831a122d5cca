import { chmodSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changePassphrase, decryptKeys, encryptKeys } from '../../src/runtime/keys/key-encryption.ts';
import { finishKeyChange, stageKeyChange } from '../../src/runtime/keys/key-change.ts';
import {
  isEncryptedHome,
  keyFileTexts,
  readAllKeys,
  readKey,
  replaceKeys,
} from '../../src/runtime/keys/key-store.ts';
import { createHome } from '../../src/runtime/home/create-home.ts';
import { firstKeyFiles, keyFiles } from '../../src/runtime/home/home-layout.ts';
import type { HomeLayout } from '../../src/runtime/home/home-layout.ts';
import { openHomeLedger } from '../../src/runtime/home/home-ledger.ts';
import { openNotary } from '../../src/runtime/home/notary.ts';
import { passphraseFrom } from '../../src/runtime/keys/passphrase.ts';
import { generateEd25519Key } from '../../src/pki/signer-node.ts';
import { refusalOf } from '../ledger/settled.ts';
import { appendSomething, encryptedCheaply, envelopesOf, madeHome, refusals } from './made-home.ts';

const refusalIn = (act: () => unknown): Promise<string> => refusalOf((async () => act())());

function replaceFiles(layout: HomeLayout, keys: Record<string, string>): void {
  stageKeyChange(layout, { keys });
  finishKeyChange(layout);
}

describe('an encrypted home', () => {
  it('opens with its passphrase alone, and says which variable is missing', async () => {
    using made = await madeHome('one passphrase');
    expect(isEncryptedHome(made.open().layout)).toBe(true);
    await appendSomething(made.open());
    const locked = await openHomeLedger(made.open('another')).catch((error: unknown) => error);
    expect(locked).toMatchObject({ code: 'KEY_LOCKED' });
    expect(String(locked)).not.toContain('another');
    const none = { ...made.open(), passphrase: () => undefined };
    await expect(openHomeLedger(none)).rejects.toMatchObject({
      code: 'KEY_LOCKED',
      message: expect.stringContaining('COUNTERSIGN_KEY_PASSPHRASE') as unknown,
    });
  });

  it('holds no private key that is plain', async () => {
    using made = await madeHome();
    const root = join(made.folder, 'encrypted');
    await createHome(root, undefined, () => 'one passphrase');
    for (const file of Object.values(firstKeyFiles)) {
      expect(readFileSync(join(root, 'keys', file), 'utf8')).toMatch(
        /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/,
      );
    }
  });

  it('is made of a plain one, gets another passphrase, and becomes plain again: the keys are the same', async () => {
    using made = await madeHome();
    const keys = readAllKeys(made.open());
    await encryptKeys(made.open('first'));
    expect(await refusalOf(encryptKeys(made.open('first')))).toBe('CONFIG_INVALID');
    await changePassphrase(made.open('first'), () => 'second');
    expect(await refusalIn(() => readKey(made.open('first'), 'log'))).toBe('KEY_LOCKED');
    expect(readAllKeys(made.open('second'))).toEqual(keys);
    expect(await refusalOf(decryptKeys(made.open('first')))).toBe('KEY_LOCKED');
    await decryptKeys(made.open('second'));
    expect(readAllKeys(made.open())).toEqual(keys);
    expect(await refusalOf(decryptKeys(made.open()))).toBe('CONFIG_INVALID');
    expect(await refusalOf(encryptKeys(made.open()))).toBe('CONFIG_INVALID');
  });

  it('has one passphrase for all its keys after a crash at any step of the change', async () => {
    using made = await madeHome('old');
    const { layout } = made.open();
    const texts = (): Record<string, string> =>
      Object.fromEntries(
        Object.values(firstKeyFiles).map((file) => [file, readFileSync(join(layout.keys, file), 'utf8')]),
      );
    const before = texts();
    const after = Object.fromEntries(
      Object.entries(keyFileTexts(readAllKeys(made.open()), undefined)).map(([file, pem]) => [
        file,
        encryptedCheaply(pem, 'new'),
      ]),
    );
    const change = (step: (step: string) => void): void => {
      stageKeyChange(layout, { keys: after }, { after: step });
      finishKeyChange(layout, step);
    };
    const steps: string[] = [];
    change((step) => void steps.push(step));
    expect(steps).toHaveLength(14);
    for (const [i, last] of steps.entries()) {
      replaceFiles(layout, before);
      const crash = new Error(last);
      const die = (step: string): void => {
        if (step === last) throw crash;
      };
      expect(() => change(die)).toThrow(crash);
      made.open();
      expect(texts(), last).toEqual(i < steps.indexOf('decided') ? before : after);
    }
  });

  it('lets a gate go on whose passphrase was changed while it ran', async () => {
    using made = await madeHome('old');
    let now = Date.now();
    const home = made.open('old');
    const gate = await openHomeLedger(home);
    try {
      const notary = openNotary(home, gate, { now: () => now, monotonic: () => now });
      const { certificate } = await notary.identity.current(now);
      await changePassphrase(made.open('old'), () => 'new');
      now += 3 * 3_600_000;
      const renewed = await notary.identity.current(now);
      expect(Buffer.from(renewed.certificate).equals(certificate)).toBe(false);
      expect(renewed.notAfter).toBeGreaterThan(now);
    } finally {
      await gate.close();
    }
  });

  it('gets encrypted keys for those that are replaced', async () => {
    using made = await madeHome('one passphrase');
    const { pem } = generateEd25519Key();
    expect(await refusalIn(() => replaceKeys(made.open('another'), { log: pem }))).toBe('KEY_LOCKED');
    replaceKeys(made.open(), { log: pem });
    expect(readAllKeys(made.open()).log).toBe(pem);
    expect(isEncryptedHome(made.open().layout)).toBe(true);
  });
});

describe('a home whose keys are plain', () => {
  it('needs no passphrase, and asks for none', async () => {
    using made = await madeHome();
    const home = {
      ...made.open(),
      passphrase: () => {
        throw new Error('asked');
      },
    };
    await appendSomething(home);
    expect(await refusals(home, ...(await envelopesOf(home)).map(({ text }) => text))).toEqual([]);
  });

  it('says which key is damaged, and not what is in it', async () => {
    using made = await madeHome();
    const path = join(made.root, 'keys', keyFiles.ct);
    writeFileSync(path, 'no key, but perhaps a secret');
    const error = await Promise.resolve()
      .then(() => readKey(made.open(), 'ct'))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'HOME_INVALID', message: expect.stringContaining(path) as unknown });
    expect(String(error)).not.toContain('secret');
  });

  it('leaves nothing behind when keys are replaced', async () => {
    using made = await madeHome();
    replaceKeys(made.open(), { ct: readAllKeys(made.open()).ct ?? '' });
    expect(readdirSync(made.root).filter((name) => name.startsWith('keys'))).toEqual(['keys']);
  });
});

describe('a passphrase', () => {
  const variable = 'COUNTERSIGN_KEY_PASSPHRASE';

  it('is in the variable, or in the private file that the other one names, less one line end', async () => {
    using made = await madeHome();
    const file = join(made.folder, 'passphrase');
    const from = (environment: Record<string, string>) => passphraseFrom(environment, variable)();
    writeFileSync(file, 'two words\n\n', { mode: 0o600 });
    expect(from({})).toBeUndefined();
    expect(from({ [variable]: ' two words ' })).toBe(' two words ');
    expect(from({ [`${variable}_FILE`]: file })).toBe('two words\n');
    for (const wrong of [
      { [variable]: '' },
      { [variable]: 'x', [`${variable}_FILE`]: file },
      { [`${variable}_FILE`]: join(made.folder, 'none') },
    ]) {
      expect(await refusalIn(() => from(wrong))).toBe('CONFIG_INVALID');
    }
    chmodSync(file, 0o640);
    expect(await refusalIn(() => from({ [`${variable}_FILE`]: file }))).toBe('CONFIG_INVALID');
  });
});
