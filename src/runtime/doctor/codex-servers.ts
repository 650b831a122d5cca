import type { HostServer } from './host-servers.ts';

/**
 * The servers of a Codex configuration, read as narrowly as they are commonly written: tables `[mcp_servers.NAME]` with `command`,
 * `args` and `url` that are plain strings. TOML can say the same in many other ways: where a line speaks of `mcp_servers` and is
 * none of these, the answer is undefined, and a person has to look.
 */
export function readCodexServers(text: string): readonly HostServer[] | undefined {
  const servers: HostServer[] = [];
  let current: Partial<HostServer> | undefined;
  for (const line of statements(text)) {
    if (/^\s*\[/.test(line)) {
      const [header, bare, basic, literal] = serverHeader.exec(line) ?? [];
      if (header === undefined && line.includes('mcp_servers') && !partHeader.test(line)) return undefined;
      current = header === undefined ? undefined : { name: bare ?? basic ?? literal ?? '', args: [] };
      if (current) servers.push(current as HostServer);
    } else if (current === undefined) {
      if (/^\s*["']?mcp_servers/.test(line)) return undefined;
    } else {
      const setting = readSetting(line);
      if (setting === undefined) return undefined;
      Object.assign(current, setting);
    }
  }
  return servers;
}

/** Lines, with an array of several lines made one. */
function statements(text: string): readonly string[] {
  return text.replaceAll(openArray, (array) => array.replaceAll(/\s*(?:#[^\n]*)?\n\s*/g, ' ')).split(/\r?\n/);
}

/** What a line says of its server: nothing that matters, or undefined when it does and is not understood. */
function readSetting(line: string): Partial<HostServer> | undefined {
  const [, key, value = ''] = /^\s*(command|url|args)\s*=\s*(.*)$/.exec(line) ?? [];
  if (key === undefined) return {};
  const read = key === 'args' ? arrayOfStrings(value) : oneString(value);
  return read === undefined ? undefined : { [key]: read };
}

const serverHeader = /^\s*\[\s*mcp_servers\s*\.\s*(?:([\w-]+)|"([^"\\]+)"|'([^']+)')\s*\]\s*(?:#.*)?$/;
/** A table inside a server's, such as its `env`. */
const partHeader = /^\s*\[\s*mcp_servers\s*\.\s*(?:[\w-]+|"[^"\\]+"|'[^']+')\s*\.\s*[\w.-]+\s*\]\s*(?:#.*)?$/;

const stringSource = /"(?:[^"\\]|\\["\\])*"|'[^']*'/.source;
const openArray = new RegExp(`^\\s*args\\s*=\\s*\\[(?:${stringSource}|[^"'\\]])*\\]`, 'gm');
const wholeString = new RegExp(`^(${stringSource})\\s*(?:#.*)?$`);
const wholeArray = new RegExp(`^\\[\\s*((?:(?:${stringSource})\\s*,?\\s*)*)\\]\\s*(?:#.*)?$`);

function oneString(value: string): string | undefined {
  const [, quoted] = wholeString.exec(value) ?? [];
  return quoted === undefined ? undefined : unquoted(quoted);
}

function arrayOfStrings(value: string): readonly string[] | undefined {
  const [, inner] = wholeArray.exec(value.trim()) ?? [];
  return inner?.match(new RegExp(stringSource, 'g'))?.map(unquoted) ?? (inner === undefined ? undefined : []);
}

function unquoted(quoted: string): string {
  const inner = quoted.slice(1, -1);
  return quoted.startsWith("'") ? inner : inner.replaceAll(/\\(["\\])/g, '$1');
}
