import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { getMcpConfigForManifest, unpackExtension } from '@anthropic-ai/mcpb';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../architecture/source.ts';
import { filesystemServer, testHome, type TestHome } from '../support/home.ts';
import { manifest as packageManifest } from './packed.ts';

const manifestFile = join(repository, 'examples/mcpb/manifest.json');
const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'));

let home: TestHome;
let work: string;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'countersign-bundle-'));
  home = await testHome();
  mkdirSync(join(home.work, 'files'));
});
afterAll(async () => {
  rmSync(work, { recursive: true, force: true });
  await home[Symbol.asyncDispose]();
});

describe('the bundle', () => {
  it('has a manifest that the official validator takes, of this version', () => {
    const mcpb = join(dirname(createRequire(import.meta.url).resolve('@anthropic-ai/mcpb')), 'cli/cli.js');
    expect(execFileSync(process.execPath, [mcpb, 'validate', manifestFile], { encoding: 'utf8' })).toContain(
      'passes',
    );
    expect(manifest.version).toBe(packageManifest.version);
    expect(manifest.user_config.api_key).toMatchObject({ sensitive: true, required: true });
  });

  it('runs from where it was unpacked, in front of the server that a person names', async () => {
    const file = join(work, 'countersign.mcpb');
    execFileSync(process.execPath, [join(repository, 'scripts/mcpb.mjs'), file]);
    const extensionPath = join(work, 'unpacked');
    expect(await unpackExtension({ mcpbPath: file, outputDir: extensionPath, silent: true })).toBe(true);
    // What a host asked a person for.
    const userConfig = {
      api_key: home.apiKey,
      name: 'files',
      command: [process.execPath, filesystemServer, join(home.work, 'files')],
      home: home.home,
    };
    const config = await getMcpConfigForManifest({
      manifest: JSON.parse(readFileSync(join(extensionPath, 'manifest.json'), 'utf8')),
      extensionPath,
      systemDirs: {},
      userConfig,
      pathSeparator: '/',
    });
    expect(config?.command).toBe('node');
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: config?.args ?? [],
      env: config?.env ?? {},
      stderr: 'ignore',
    });
    const client = new Client({ name: 'host', version: '1.0.0' });
    await client.connect(transport);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('read_text_file');
    await client.close();
    expect((await home.cli('tools', 'list', 'files')).stdout).toContain('read_text_file');
  });

  it('leaves the home as it is where nobody named one', async () => {
    const config = await getMcpConfigForManifest({
      manifest,
      extensionPath: '/x',
      systemDirs: {},
      userConfig: { api_key: 'k', name: 'n', command: ['c'] },
      pathSeparator: '/',
    });
    expect(config?.env).toEqual({ COUNTERSIGN_API_KEY: 'k', COUNTERSIGN_HOME: '' });
  });
});

interface Argument {
  readonly type: 'named' | 'positional';
  readonly name?: string;
  readonly value?: string;
  readonly valueHint?: string;
  readonly isRepeated?: boolean;
}

/** What a client puts together from what a registry says: the words of the package's own command line. */
function commandLine(
  args: readonly Argument[],
  given: Readonly<Record<string, readonly string[]>>,
): string[] {
  return args.flatMap(({ type, name = '', value, valueHint = '' }) => {
    const values = value === undefined ? (given[type === 'named' ? name : valueHint] ?? []) : [value];
    return type === 'named' ? [name, ...values] : [...values];
  });
}

describe('what the MCP registry is told (server.json, schema of 2025-12-11)', () => {
  const server = JSON.parse(readFileSync(join(repository, 'examples/mcpb/server.json'), 'utf8'));
  const [npm] = server.packages;

  /** The published schema is in no package: these are its rules about the members that are used. */
  it('keeps to the members and limits of its schema', () => {
    expect(Object.keys(server)).toEqual(['$schema', 'name', 'title', 'description', 'version', 'packages']);
    expect(server.name).toMatch(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/);
    for (const text of [server.title, server.description]) expect(text.length).toBeLessThanOrEqual(100);
    expect(Object.keys(npm).toSorted()).toEqual([
      ...['environmentVariables', 'identifier', 'packageArguments', 'registryBaseUrl', 'registryType'],
      ...['runtimeArguments', 'runtimeHint', 'transport', 'version'],
    ]);
    expect(npm.transport).toEqual({ type: 'stdio' });
    for (const argument of [...npm.runtimeArguments, ...npm.packageArguments])
      expect(argument.type === 'named' ? argument.name : (argument.value ?? argument.valueHint)).toEqual(
        expect.any(String),
      );
  });

  it('names this package in this version, and keeps its key secret', () => {
    const { name, version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
    expect([npm.identifier, npm.version, server.version]).toEqual([name, version, version]);
    expect(npm.environmentVariables[0]).toMatchObject({
      name: 'COUNTERSIGN_API_KEY',
      isSecret: true,
      isRequired: true,
    });
  });

  it('comes to a command line that wraps the server', () => {
    const server = [process.execPath, filesystemServer, join(home.work, 'files')];
    const args = commandLine(npm.packageArguments, { '--name': ['registry'], server_command: server });
    expect(args).toEqual(['wrap', '--name', 'registry', '--', ...server]);
  });
});
