import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoginPlace } from '../../../src/runtime/login/issuer.ts';
import type { Login } from '../../../src/runtime/login/login-file.ts';
import { countersign } from '../../support/home.ts';

export const audience = 'https://gate.example.com';

/** What is in a folder that people log in from. */
export interface LoginFolder extends Disposable {
  readonly root: string;
  readonly path: string;
  configure(yaml: string): void;
  /** What is on record, as it is in the file. */
  kept(): Login;
  cli(...args: string[]): RunningCommand;
}

export interface RunningCommand {
  /** Resolves to the first match in what it writes. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Everything that it has written, once it has ended. */
  readonly end: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

export function loginFolder(issuer?: string): LoginFolder {
  const root = mkdtempSync(join(tmpdir(), 'countersign-login-'));
  chmodSync(root, 0o700);
  const path = join(root, 'login.json');
  const folder: LoginFolder = {
    root,
    path,
    configure: (yaml) => writeFileSync(join(root, 'countersign.yaml'), yaml),
    kept: () => JSON.parse(readFileSync(path, 'utf8')) as Login,
    cli: (...args) => runCommand(root, args),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
  if (issuer !== undefined)
    folder.configure(`login: { issuer: ${issuer}, clientId: countersign, resource: ${audience} }\n`);
  return folder;
}

export function placeAt(issuer: string): LoginPlace {
  return {
    config: { issuer, clientId: 'countersign', scopes: [], resource: audience },
    resource: audience,
    fetch,
  };
}

function runCommand(root: string, args: readonly string[]): RunningCommand {
  const child = spawn(process.execPath, [countersign, ...args], {
    env: { PATH: process.env['PATH'], HOME: root, COUNTERSIGN_HOME: root },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      written[stream] += chunk.toString();
      waiting.forEach((look) => look());
    });
  }
  const end = new Promise<Awaited<RunningCommand['end']>>((resolve) => {
    child.on('close', (code) => resolve({ code, ...written }));
  });
  return {
    end,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(written.stdout) ?? pattern.exec(written.stderr);
          if (match) resolve(match);
        };
        waiting.add(look);
        look();
        void end.then(({ stderr }) => reject(new Error(`It ended without that: ${stderr}`)));
      }),
  };
}
