import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { backUp } from '../../src/runtime/former/backup.ts';
import { formerLogs } from '../../src/runtime/former/former.ts';
import { restoreLog } from '../../src/runtime/former/restore.ts';
import { bundledProgram } from '../support/bundled-program.ts';
import { call, homeOnDisk, sizeOf } from './home-log.ts';

const quiet = { onProgress: () => undefined };

describe('a restore that is stopped', () => {
  class Stopped extends Error {}

  async function stepsOf(options: { readonly inPlace: boolean }): Promise<readonly string[]> {
    using other = await homeOnDisk();
    const copy = join(other.work, 'backup');
    await backUp(other.open(), copy, quiet);
    const steps: string[] = [];
    const after = (step: string): void => void steps.push(step);
    await restoreLog(other.open(), { ...(!options.inPlace && { file: copy }), after });
    return steps;
  }

  it.each([{ inPlace: false }, { inPlace: true }])(
    'at any step leaves the old home or the new one, whole: %j',
    async ({ inPlace }) => {
      const steps = await stepsOf({ inPlace });
      expect(steps).toContain('decided');
      const decided = steps.indexOf('decided');
      using other = await homeOnDisk();
      for (const [i, stop] of steps.entries()) {
        const copy = join(other.work, `backup-${i}`);
        const before = await formerLogs(other.open());
        await call(other.open());
        const head = await backUp(other.open(), copy, quiet);
        const after = (step: string): void => {
          if (step === stop) throw new Stopped();
        };
        const options = { ...(!inPlace && { file: copy }), after };
        await expect(restoreLog(other.open(), options)).rejects.toThrow(Stopped);
        const home = other.open();
        const isNew = home.config.origin !== head.origin;
        expect({ stop, isNew }).toEqual({ stop, isNew: i >= decided });
        const former = await formerLogs(home);
        expect(former).toHaveLength(before.length + (isNew ? 1 : 0));
        expect(former).toEqual(expect.arrayContaining([...before, ...(isNew ? [head] : [])]));
        expect(await sizeOf(home)).toBe(isNew ? 2 : head.treeSize);
        await call(home);
        expect(existsSync(home.layout.logChange)).toBe(false);
        if (!isNew) await restoreLog(other.open(), { ...(!inPlace && { file: copy }) });
        const left = readdirSync(other.root).filter((name) => name.startsWith('log.next'));
        expect(left).toEqual([]);
      }
    },
  );

  it('before its moment leaves a folder that the next one makes anew', async () => {
    using other = await homeOnDisk();
    const copy = join(other.work, 'backup');
    await backUp(other.open(), copy, quiet);
    const folder = `${other.open().layout.logChange}.new`;
    mkdirSync(folder);
    for (const name of ['home.json', 'ledger.sqlite', 'former.sqlite'])
      writeFileSync(join(folder, name), '{}');
    await call(other.open());
    await restoreLog(other.open(), { file: copy });
    await call(other.open());
    expect(existsSync(folder)).toBe(false);
  });

  it('is finished by one of those that open the home at once', async () => {
    using other = await homeOnDisk();
    await call(other.open());
    const after = (step: string): void => {
      if (step === 'decided') throw new Stopped();
    };
    await expect(restoreLog(other.open(), { after })).rejects.toThrow(Stopped);
    const opener = await bundledProgram(join(import.meta.dirname, 'open-home-process.ts'), other.work);
    const run = promisify(execFile);
    const all = await Promise.all([1, 2, 3, 4].map(() => run(process.execPath, [opener, other.root])));
    const { origin } = other.open().config;
    expect(all.map(({ stdout }) => stdout)).toEqual(all.map(() => `${origin} 2\n`));
    expect(await formerLogs(other.open())).toMatchObject([{ treeSize: 3 }]);
  });
});
