import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DatabaseSync } from 'node:sqlite';
import type { Command } from '../../../src/cli/io.ts';
import { report } from '../../../src/cli/report.ts';
import { govern } from '../../../src/client/govern.ts';
import { sideStride } from '../../../src/ledger/store-sqlite-schema.ts';
import { openGate } from '../../../src/runtime/open-gate.ts';
import { testHome, type Finished, type TestHome } from '../../support/home.ts';

/** A call that was made, by tool and arguments. */
export type Made = readonly [tool: string, args: Readonly<Record<string, unknown>>];

export interface RecordedHome extends AsyncDisposable {
  readonly place: TestHome;
  /** Calls made under a policy, in order: their ids. */
  record(policy: string, calls: readonly Made[]): Promise<readonly string[]>;
  /** Writes a file of the test's own; its path. */
  write(name: string, text: string): string;
  run(command: Command, ...args: string[]): Promise<Finished>;
  /** Puts other bytes in the place of a call's recorded input. */
  tamper(callId: string, replace: (text: string) => string): void;
}

/** A home with a ledger in SQLite, whose calls are carried out by this process. */
export async function recordedHome(): Promise<RecordedHome> {
  const place = await testHome();
  const write = (name: string, text: string): string => {
    const file = join(place.work, name);
    writeFileSync(file, text);
    return file;
  };
  return {
    place,
    write,
    async record(policy, calls) {
      const policies = [write('recorded.yaml', policy)];
      const gate = await openGate({ home: place.home, apiKey: place.apiKey, policies });
      try {
        const ids: string[] = [];
        for (const [tool, args] of calls) ids.push((await govern(gate, { tool }, () => 1).run(args)).callId);
        return ids;
      } finally {
        await gate.close();
      }
    },
    async run(command, ...args) {
      const said = { stdout: '', stderr: '' };
      const io = {
        stdin: Readable.from([]),
        stdout: { write: (text: string) => (said.stdout += text) },
        stderr: { write: (text: string) => (said.stderr += text) },
        env: place.env,
        cwd: place.work,
      };
      try {
        return { code: await command.run(args, io), ...said };
      } catch (error) {
        return { code: report(error, io), ...said };
      }
    },
    tamper(callId, replace) {
      const database = new DatabaseSync(join(place.home, 'ledger.sqlite'));
      try {
        const { id, value } = database
          .prepare(
            `SELECT side.id, side.value FROM side JOIN entries ON entries.idx = side.id / ${sideStride}
             WHERE entries.call_id = ? AND side.name = 'input'`,
          )
          .get(callId) as { id: number; value: Uint8Array };
        const other = Buffer.from(replace(Buffer.from(value).toString()));
        database.prepare('UPDATE side SET value = ? WHERE id = ?').run(other, id);
      } finally {
        database.close();
      }
    },
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}
