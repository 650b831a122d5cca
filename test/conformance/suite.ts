/** Runs the MCP conformance suite's server scenarios of one revision against a URL, and reads what it found. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';

export const revisions = ['2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof revisions)[number];

export type Status = 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';

/** One thing that the suite looked at. A scenario may look at the same thing several times. */
export interface Check {
  readonly id: string;
  readonly name: string;
  readonly status: Status;
  readonly errorMessage?: string;
}

export interface Scenario {
  readonly name: string;
  /** Whether the revision requires it; the others run as well, and are compared as strictly. */
  readonly scored: boolean;
  readonly checks: readonly Check[];
}

export interface SuiteRun {
  readonly revision: Revision;
  readonly scenarios: readonly Scenario[];
}

/** Found as a folder: the package has a command and nothing to import. */
const folder = new URL('../../node_modules/@modelcontextprotocol/conformance/', import.meta.url).pathname;
const command = join(folder, 'dist', 'index.js');

export const suiteVersion = (
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version: string }
).version;

/** Which scenarios a revision names: those that it requires, and those that run for information. */
export function scenariosOf(revision: Revision): readonly Omit<Scenario, 'checks'>[] {
  const requirements = parse(readFileSync(join(folder, 'requirements', `${revision}.yaml`), 'utf8')) as {
    readonly server: readonly string[];
    readonly not_scored: readonly { readonly leg: string; readonly scenario: string }[];
  };
  return [
    ...requirements.server.map((name) => ({ name, scored: true })),
    ...requirements.not_scored
      .filter(({ leg }) => leg === 'server')
      .map(({ scenario: name }) => ({ name, scored: false })),
  ];
}

/** Every scenario of the revision. The suite's own exit code says less than its checks do and is not looked at. */
export async function runSuite(url: string, revision: Revision): Promise<SuiteRun> {
  const found = await runScenarios(url, ['--requirements', revision]);
  return {
    revision,
    scenarios: scenariosOf(revision).map((scenario) => ({
      ...scenario,
      checks: found.get(scenario.name) ?? [],
    })),
  };
}

/** One scenario alone. */
export async function runScenario(
  url: string,
  revision: Revision,
  scenario: string,
): Promise<readonly Check[]> {
  // An extension's scenario belongs to no revision, and runs only when it is forced to.
  const found = await runScenarios(url, ['--scenario', scenario, '--spec-version', revision, '--force']);
  return found.get(scenario) ?? [];
}

async function runScenarios(
  url: string,
  selection: readonly string[],
): Promise<Map<string, readonly Check[]>> {
  const output = mkdtempSync(join(tmpdir(), 'countersign-conformance-'));
  try {
    await runCommand(['server', '--url', url, ...selection, '--output-dir', output]);
    return new Map(readdirSync(output).map((name) => [scenarioOf(name), readChecks(join(output, name))]));
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

function runCommand(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 1 << 28, timeout: 600_000 };
    execFile(process.execPath, [command, ...args], options, (error, _stdout, stderr) => {
      // Failed checks are exit code 1, and the suite speaks on standard error when it could not run at all.
      if (error === null || error.code === 1) resolve();
      else reject(new Error(`The conformance suite ended early: ${error.message}\n${stderr}`));
    });
  });
}

/** `server-tools-list-2026-01-01T00-00-00-000Z` is a folder with what `tools-list` found. */
function scenarioOf(folderName: string): string {
  return folderName.replace(/^server-/, '').replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/, '');
}

function readChecks(path: string): readonly Check[] {
  if (!readdirSync(path).includes('checks.json')) {
    const errorMessage = 'The scenario broke off.';
    return [{ id: 'scenario', name: 'ScenarioRuns', status: 'FAILURE', errorMessage }];
  }
  return JSON.parse(readFileSync(join(path, 'checks.json'), 'utf8')) as readonly Check[];
}
