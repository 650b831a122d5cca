import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecEnd } from '../../../src/runtime/exec/exec-end.ts';
import { execHere } from '../../../src/runtime/exec/exec-here.ts';
import { prepareCommand } from '../../../src/runtime/exec/prepare.ts';
import { testHome, type TestHome } from '../../support/home.ts';

let home: TestHome;
beforeAll(async () => {
  home = await testHome();
});
afterAll(() => home[Symbol.asyncDispose]());

const script = 'process.stdout.write(process.env.SAID ?? "nothing")';

/** Runs a command that writes what its environment says, under a rule with this obligation. */
async function execUnder(obligation: string): Promise<ExecEnd & { readonly written: string }> {
  const policyFile = join(home.work, 'exec.yaml');
  const rule = `{id: r, effect: allow, tools: ["*/exec"], obligations: [${obligation}]}`;
  writeFileSync(policyFile, `version: 1\nname: exec\nrules:\n  - ${rule}\n`);
  let written = '';
  const output = new Writable({
    write(chunk, _encoding, done) {
      written += String(chunk);
      done();
    },
  });
  const env = { SAID: 'by the caller', PATH: process.env['PATH'] };
  const words = [process.execPath, '-e', script];
  const command = await prepareCommand(
    { as: 'say', shell: false, words, stdin: 'none', env: ['SAID'], secret: [] },
    { env, cwd: home.work },
    { input: process.stdin, stderr: output, signal: new AbortController().signal },
  );
  const hands = { secrets: command.secrets, stdin: command.stdin, stdout: output, stderr: output };
  const governed = {
    ...{ home: home.home, ledger: undefined, apiKey: home.apiKey, policyFiles: [policyFile] },
    ...{ cwd: home.work, env: {}, stderr: output },
  };
  const end = await execHere(command, hands, governed, new AbortController().signal);
  return { ...end, written };
}

describe('a command under a rule with obligations', () => {
  it('runs as policy changed it', async () => {
    const { decision, written } = await execUnder(`{type: transform, set: {/env/SAID: '"by policy"'}}`);
    expect({ decision, written }).toEqual({ decision: 'ALLOW', written: 'by policy' });
  });

  it.each([
    ['would be another program', `{type: transform, set: {/command: '"/bin/true"'}}`],
    ['would have another input', `{type: transform, set: {/stdin/kind: '"terminal"'}}`],
    ['would be none', '{type: transform, set: {/argv: "7.0"}}'],
    ['would have a word that no command has', `{type: transform, set: {/more: '"x"'}}`],
    ['is to have something taken out of its output', '{type: redact, of: result, match: caller}'],
    ['is to write so much at most', '{type: limit, bytes: 5}'],
  ])('does not run where it %s', async (_, obligation) => {
    const { decision, denial, written, end } = await execUnder(obligation);
    expect({ decision, code: denial?.code, written, end }).toEqual({
      ...{ decision: 'DENY', code: 'OBLIGATION_UNMET', written: '', end: undefined },
    });
  });
});
