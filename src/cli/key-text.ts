import type { StoredApiKey } from '../runtime/home/api-key-records.ts';
import { apiKeyState, type IssuedKey } from '../runtime/home/api-keys.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';
import { usage } from './report.ts';

/** A key as machines read it. Its digest stays where it is. */
export function keyJson(key: StoredApiKey, now: number) {
  const { id, tenant, agents, tools, cidrs, notAfter, createdAt, successor } = key;
  return {
    id,
    tenant,
    agents,
    tools: tools ?? null,
    networks: cidrs ?? null,
    status: apiKeyState(key, now),
    created: createdAt,
    until: notAfter ?? null,
    ...(successor !== undefined && { successor }),
  };
}

/** What a key is for, a line each. */
export function scopeText({ tenant, agents, tools, cidrs, notAfter }: StoredApiKey): string {
  return `  tenant    ${tenant}
  agents    ${agents.join(', ')}
  tools     ${tools === undefined ? 'as policy says' : tools.join(', ')}
  networks  ${cidrs === undefined ? 'everywhere' : cidrs.join(', ')}
  until     ${notAfter ?? 'it is revoked'}
`;
}

/** The key alone to whoever reads standard output, and what a person wants to know beside it. */
export function showKey({ apiKey, record, stated }: IssuedKey, heading: string, io: Io): void {
  const { dim } = palette(io.stderr, io);
  io.stderr.write(`${heading}

${scopeText(record)}
${dim('The key is shown this once. Give it to the agent, or to its gate as COUNTERSIGN_API_KEY.')}
${stated ? '' : notStated}`);
  io.stdout.write(`${apiKey}\n`);
}

export const notStated =
  'A Worker keeps this home’s log: it is not stated there. Hand the Worker its keys: countersign worker secrets\n';

/** The one argument of a verb that is about one key. */
export function onlyId(verb: string, [id, ...more]: readonly string[]): string {
  if (id === undefined || more.length > 0)
    throw usage(`key ${verb} takes the id of one key. See: countersign key list`);
  // Whoever pastes the key itself has it in the shell's history already; it need not be in an error as well.
  if (id.startsWith('cs_live_'))
    throw usage(`key ${verb} takes the id of a key, not the key: countersign key list`);
  return id;
}
