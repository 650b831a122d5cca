import { resolve } from 'node:path';
import type { GateClient } from '../client/gate-client.ts';
import { localGate } from '../client/local-gate.ts';
import { createCallDesk } from '../gate/call-desk.ts';
import { environmentGrant } from './grants/grant-environment.ts';
import { homePath } from './home/home-layout.ts';
import { openGates } from './home/open-gates.ts';

export interface OpenGateOptions {
  readonly apiKey: string | undefined;
  /** The home's folder; `$COUNTERSIGN_HOME`, else `~/.countersign`, unless told. */
  readonly home?: string;
  /** Where a home's PostgreSQL ledger is, with its password; `$COUNTERSIGN_LEDGER`, else what the home says, unless told. */
  readonly ledger?: string;
  /** In place of the home's policy. */
  readonly policies?: readonly string[];
}

/** A gate of this process. Closing it settles what is open and leaves the log to others. */
export interface OpenGate extends GateClient {
  close(): Promise<void>;
}

/**
 * Opens the gate of a home in this process: the same interface as a gate elsewhere, and no server to run. Whoever can read the home
 * can decide everything (`same-user`). Calls are made for whom each of them says, and for nobody else; the environment’s grant narrows those that bring none.
 *
 * @throws CountersignError an `API_KEY_…`, `HOME_…`, `KEY_…`, `LEDGER_…`, `POLICY_…` or `CONFIG_INVALID` code.
 */
export async function openGate(options: OpenGateOptions): Promise<OpenGate> {
  const { env } = process;
  const cwd = process.cwd();
  const opened = await openGates({
    home: homePath(options.home, env, cwd),
    ledger: options.ledger ?? env['COUNTERSIGN_LEDGER'],
    apiKey: options.apiKey,
    name: 'application',
    policyFiles: (options.policies ?? []).map((file) => resolve(cwd, file)),
    cwd,
    env,
    stderr: process.stderr,
  });
  const { gates, ledger, recordChange } = opened;
  const desk = createCallDesk({ gates, ledger, recordChange });
  return {
    ...localGate({ desk, apiKey: options.apiKey ?? '', grant: environmentGrant(env) }),
    close: opened.close,
  };
}
