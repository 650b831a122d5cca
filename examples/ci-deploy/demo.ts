/**
 * A step of a pipeline deploys its build with `countersign exec`. It may deploy to staging and nothing else; three ways around
 * that are refused, and every verdict is kept and verified.
 */
import { execFile } from 'node:child_process';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const countersign = new URL('../../dist/bin/countersign.js', import.meta.url).pathname;
const here = import.meta.dirname;

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const work = await realpath(await mkdtemp(join(tmpdir(), 'countersign-pipeline-')));
const env: Record<string, string> = {
  PATH: `${join(work, 'bin')}:${process.env['PATH'] ?? ''}`,
  HOME: work,
  COUNTERSIGN_HOME: join(work, 'home'),
  DEPLOY_TOKEN: 'what-only-the-deployment-needs',
};

try {
  await prepare();
  await demo();
} finally {
  await rm(work, { recursive: true, force: true });
}

/** A checkout with a build, a home, and `countersign` on the PATH. */
async function prepare(): Promise<void> {
  for (const folder of ['bin', 'build', 'evidence']) await mkdir(join(work, folder));
  for (const file of ['policy.yaml', 'deploy.sh', 'step.sh'])
    await copyFile(join(here, file), join(work, file));
  await writeFile(
    join(work, 'bin', 'countersign'),
    `#!/bin/sh\nexec "${process.execPath}" "${countersign}" "$@"\n`,
  );
  await chmod(join(work, 'bin', 'countersign'), 0o755);
  await writeFile(join(work, 'build', 'index.html'), '<p>Hello.\n');
  const made = await run('countersign', 'init', '--json');
  env['COUNTERSIGN_API_KEY'] = (JSON.parse(made.stdout) as { apiKey: string }).apiKey;
  await writeFile(join(work, 'trusted_root.json'), (await run('countersign', 'trust')).stdout);
}

async function demo(): Promise<void> {
  const step = await run('./step.sh', 'staging');
  expect(step.code === 0, step.stderr);
  say('ALLOW', 'the step deploys to staging', ...step.stdout.trim().split('\n'));

  const production = await run('./step.sh', 'production');
  await refused('the same step deploys to production', production, 'production', 'RULE_DENIES');

  const script = await exec('script', '--shell', '--', 'cp -R build environments/production');
  await refused('a script does it', script, 'script', 'RULE_DENIES');

  const other = await exec('other', '--as', 'deploy', '--', 'cp', 'build', 'staging');
  await refused('another program calls itself deploy', other, 'other', 'SERVER_CHANGED');

  const deployed = await readdir(join(work, 'environments'));
  expect(deployed.join() === 'staging', `only staging may be deployed, and there are ${deployed.join()}`);
  say('DONE ', `deployed: ${deployed.join()}; every verdict is signed, kept and verified`);
}

function exec(name: string, ...args: string[]): Promise<Finished> {
  const policy = ['--policy', 'policy.yaml', '--stdin', 'none'];
  return run('countersign', 'exec', ...policy, '--envelope', `evidence/${name}.json`, ...args);
}

async function refused(title: string, ran: Finished, name: string, code: string): Promise<void> {
  expect(ran.code === 125 && ran.stdout === '', `${title}: ended with ${ran.code}`);
  const [reason = ''] = ran.stderr.split('\n');
  expect(reason.endsWith(`(${code})`), reason);
  const file = `evidence/${name}.json`;
  const verified = await run(
    'countersign',
    'verify',
    '--trust',
    'trusted_root.json',
    '--expect',
    'deny',
    file,
  );
  expect(verified.code === 0, verified.stdout);
  expect(!(await readFile(join(work, file), 'utf8')).includes('what-only'), 'no evidence may hold the token');
  say('DENY ', title, reason, `verified: ${file}`);
}

function run(command: string, ...args: string[]): Promise<Finished> {
  return new Promise((resolve) => {
    const child = execFile(command, args, { cwd: work, env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
    child.stdin?.end();
  });
}

function say(what: string, title: string, ...lines: string[]): void {
  console.log(`${what}  ${title}`);
  for (const line of lines) console.log(`       ${line}`);
}

function expect(holds: boolean, rule: string): void {
  if (!holds) throw new Error(rule);
}
