import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { isJsonObject, type Json } from '../../call/json.ts';
import { fromUtf8 } from '../../call/sha256.ts';
import { CountersignError, systemCode } from '../../errors.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { KnownTool } from '../../policy/check/known-tool.ts';

/**
 * The tools of a file: what `countersign tools list --json` prints, or the answer of one server to `tools/list`, which is then
 * named by what stands before `=`, else by the file. Throws POLICY_UNREADABLE.
 */
export function readToolsFile(given: string, resolve: (file: string) => string): KnownTool[] {
  const equals = given.indexOf('=');
  const file = given.slice(equals + 1);
  const server = equals < 0 ? basename(file).replace(/\..*$/, '') : given.slice(0, equals);
  const json = parseFile(resolve(file), file);
  if (Array.isArray(json)) return json.flatMap((one) => toolsOfServer(one, file));
  const listed = isJsonObject(json) && isJsonObject(json['result']) ? json['result'] : json;
  if (!isJsonObject(listed) || !Array.isArray(listed['tools']))
    throw unreadable(file, 'it has no list of tools');
  return listed['tools'].map((one) => knownTool(server, one, file));
}

/** Every definition that a gate of the home remembers, the newest of each tool. */
export async function rememberedTools(ledger: Pick<Ledger, 'tools'>): Promise<KnownTool[]> {
  const newest = new Map<string, KnownTool>();
  for (const { server, tool, definition } of await ledger.tools()) {
    // The record without a tool's name stands for the server itself.
    if (tool === '') continue;
    const said = JSON.parse(fromUtf8(definition) ?? 'null') as Json;
    newest.set(JSON.stringify([server, tool]), withSchema(server, tool, said));
  }
  return [...newest.values()];
}

function parseFile(path: string, file: string): Json {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(file, systemCode(error));
  }
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw unreadable(file, 'it is not JSON');
  }
}

function toolsOfServer(one: Json, file: string): KnownTool[] {
  if (!isJsonObject(one) || typeof one['name'] !== 'string' || !Array.isArray(one['tools']))
    throw unreadable(file, 'it is not what “countersign tools list --json” prints');
  const server = one['name'];
  return one['tools'].map((tool) => knownTool(server, tool, file));
}

function knownTool(server: string, tool: Json, file: string): KnownTool {
  if (!isJsonObject(tool) || typeof tool['name'] !== 'string')
    throw unreadable(file, 'a tool in it has no name');
  return withSchema(server, tool['name'], tool['definition'] ?? tool);
}

function withSchema(server: string, name: string, definition: Json): KnownTool {
  const schema = isJsonObject(definition) ? definition['inputSchema'] : undefined;
  return { server, name, ...(isJsonObject(schema) && { inputSchema: schema }) };
}

function unreadable(file: string, why: string): CountersignError {
  return new CountersignError('POLICY_UNREADABLE', `The file of tools ${file} cannot be read (${why}).`);
}
