import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDeviceManager, type DeviceManager } from './device-manager.ts';
import { login } from './login.ts';
import { startPressureController, type PressureController } from './pressure-controller.ts';

const countersign = new URL('../../dist/bin/countersign.js', import.meta.url).pathname;
const here = new URL('.', import.meta.url).pathname;
const audience = 'https://gate.plant.example';
const redirectUri = 'http://127.0.0.1/callback';
const controllerToken = 'known to the gateway alone';
const run = promisify(execFile);

/** Everything that runs: the controller, the identity provider, the device management, and the gateway before them. */
export interface Plant {
  readonly controller: PressureController;
  readonly devices: DeviceManager;
  /** Counts from the plant's two networks. */
  readonly apiKey: string;
  readonly gateway: string;
  readonly login: (person: string) => Promise<string>;
  /** Verifies an answer of the gateway with `countersign verify`; throws unless it proves what is expected. */
  readonly verify: (answer: string, expected: 'executed' | 'deny') => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startPlant(): Promise<Plant> {
  const work = await mkdtemp(join(tmpdir(), 'countersign-plant-'));
  const home = join(work, 'home');
  const trust = join(work, 'trusted_root.json');
  const running: ChildProcess[] = [];
  const env = { PATH: process.env['PATH'] ?? '', HOME: work };
  const cli = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [countersign, ...args], { env })).stdout;
  const start = async (
    args: readonly string[],
    says: RegExp,
    more: NodeJS.ProcessEnv = {},
  ): Promise<string> => {
    const child = spawn(process.execPath, args, {
      env: { ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    return said(child, says);
  };
  const close = async (controller?: PressureController): Promise<void> => {
    await Promise.all(running.map(ended));
    controller?.close();
    await rm(work, { recursive: true, force: true });
  };

  try {
    await cli('init', '--home', home);
    const made = await cli(
      ...['key', 'create', '--home', home, '--json'],
      ...['--network', '10.20.0.0/16', '--network', '10.30.0.0/16'],
    );
    const { apiKey } = JSON.parse(made) as { apiKey: string };
    await writeFile(trust, await cli('trust', '--home', home));
    const devices = await createDeviceManager('https://devices.plant.example', audience);
    for (const file of ['countersign.yaml', 'policy.yaml']) await cp(join(here, file), join(work, file));
    await writeFile(join(work, 'device-keys.json'), JSON.stringify(devices.jwks));

    const issuer = await start([join(here, 'identity-provider.mjs'), audience, redirectUri], /http:\S+/);
    const controller = await startPressureController(controllerToken);
    const gateway = await start(
      [countersign, 'serve', '--home', home, '--config', join(work, 'countersign.yaml')],
      /(?<=listening on )http:\S+/,
      { PLANT_ISSUER: issuer, CONTROLLER_URL: controller.url, CONTROLLER_TOKEN: controllerToken },
    );
    return {
      controller,
      devices,
      apiKey,
      gateway,
      login: (person) => login({ issuer, resource: audience, redirectUri, person }),
      async verify(answer, expected) {
        const file = join(work, 'answer.json');
        await writeFile(file, answer);
        await cli('verify', '--trust', trust, '--expect', expected, file);
      },
      close: () => close(controller),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What a process says once it is ready. */
function said(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const listen = (chunk: string): void => {
      text += chunk;
      const [found] = pattern.exec(text) ?? [];
      // Only a whole line is all of it.
      if (found !== undefined && text.endsWith('\n')) resolve(found);
    };
    child.stdout?.setEncoding('utf8').on('data', listen);
    child.stderr?.setEncoding('utf8').on('data', listen);
    child.once('exit', () => reject(new Error(`It ended before it was ready: ${text}`)));
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
