import { spawn, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testHome, type TestHome } from '../support/home.ts';
import { startServing, type Serving } from '../support/serving.ts';
import { blocks, firstCells, page, section } from './pages.ts';

const text = page('docs/operating.md');
const has = (command: string): boolean => spawnSync(command, ['--version']).error === undefined;

/** What the page has the reader write, in one configuration. */
const configuration = ['version: 1\nlisten: { port: 0 }\n', ...blocks(text, 'yaml')].join('');

let home: TestHome;
let gateway: Serving;

beforeAll(async () => {
  home = await testHome();
  gateway = await startServing(home, { name: 'countersign.yaml', text: configuration });
});
afterAll(async () => {
  await gateway.end();
  await home[Symbol.asyncDispose]();
});

/** Runs a command of the page; what it has said when it ends, or once that matches. */
function bash(script: string, until?: RegExp): Promise<string> {
  const command = script.replaceAll('http://127.0.0.1:8787', gateway.url);
  return new Promise((resolve) => {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', `exec ${command}`], {
      cwd: home.work,
      env: home.env,
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      if (until?.test(said)) child.kill();
    });
    child.once('close', () => resolve(said));
  });
}

const command = (path: string): string => blocks(text, 'sh').find((block) => block.includes(path)) ?? '';

describe.skipIf(!has('curl') || !has('bash'))('the commands of docs/operating.md', () => {
  it('follow the log, in events of the form that is shown', async () => {
    const event = /^id: \d+\nevent: deny\ndata: (\{.*\})\n\n/m;
    const followed = bash(command('/v1/events'), event);
    // Nobody says when it has begun to follow: what is asked before is not followed.
    const asking = setInterval(
      () => void gateway.ask('/actions/nothing', { method: 'POST', body: '{}' }),
      500,
    );
    const [, data = '{}'] = event.exec(await followed.finally(() => clearInterval(asking))) ?? [];
    const [, shown = '{}'] = /^data: (\{.*\})$/m.exec(text) ?? [];
    expect(Object.keys(JSON.parse(data) as object)).toEqual(Object.keys(JSON.parse(shown) as object));
  });

  it('ask whether it is ready, with the answer that is shown', async () => {
    const [shown = ''] = blocks(text, 'json');
    expect(JSON.parse(await bash(command('/readyz')))).toEqual(JSON.parse(shown));
  });

  it('read the metrics that are listed, all of them', async () => {
    const listed = firstCells(section(text, 'What to watch')).flatMap(
      (cell) => /^`(\w+)`$/.exec(cell)?.[1] ?? [],
    );
    const said = await bash(command('/metrics'));
    const offered = [...said.matchAll(/^# TYPE (countersign_\w+) /gm)].map(([, name]) => name ?? '');
    expect(listed.toSorted()).toEqual(offered.toSorted());
  });
});
