/**
 * An MCP server that says exactly the bytes it is told to. It keeps no protocol of its own: a request whose arguments
 * (or params) hold `say`, a list of strings, is answered with those strings as they are, `$ID` standing for the
 * request's id as it was written. Everything else gets a plain answer.
 *
 * Flags: `--log FILE` appends every line it receives; `--stay` outlives the end of its input; `--deaf` never reads;
 * `--ignore-sigterm`; `--exit N` exits so at the end of input; `--tools JSON` is what it lists; `--silent-lists`.
 */
import { appendFileSync } from 'node:fs';

const flag = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : (process.argv[at + 1] ?? '');
};
const has = (name: string): boolean => process.argv.includes(`--${name}`);

const log = flag('log');
let tools =
  flag('tools') ?? '[{"name":"say","inputSchema":{"type":"object","properties":{"say":{"type":"array"}}}}]';

process.on('SIGTERM', () => {
  if (log) appendFileSync(log, 'SIGTERM\n');
  if (!has('ignore-sigterm')) process.exit(143);
});
process.on('SIGINT', () => {
  if (log) appendFileSync(log, 'SIGINT\n');
  process.exit(7);
});
if (has('stay')) setInterval(() => {}, 1_000);

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly say?: readonly string[];
    readonly cursor?: string;
    readonly arguments?: { readonly say?: readonly string[] };
  };
}

function answer(line: string): void {
  const message = JSON.parse(line) as Message | Message[];
  if (Array.isArray(message)) {
    const ids = message
      .filter(({ id, method }) => id !== undefined && method !== undefined)
      .map(({ id }) => id);
    if (ids.length > 0) {
      write(JSON.stringify(ids.map((id) => ({ jsonrpc: '2.0', id, result: { batch: true } }))) + '\n');
    }
    return;
  }
  const id = /"id"\s*:\s*("(?:[^"\\]|\\.)*"|[^,}\s]+)/.exec(line)?.[1] ?? 'null';
  const say = message.params?.arguments?.say ?? message.params?.say;
  if (message.params?.name === 'die') process.exit(9);
  if (message.params?.name === 'hang') return;
  if (say) {
    for (const text of say) write(text.replaceAll('$ID', () => id));
  } else if (message.id !== undefined && message.method !== undefined) {
    plain(id, message);
  }
}

function plain(id: string, { method, params }: Message): void {
  const reply = (result: string): void => write(`{"jsonrpc":"2.0","id":${id},"result":${result}}\n`);
  switch (method) {
    case 'initialize':
      return reply(
        '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"odd","version":"1"}}',
      );
    case 'tools/list':
      if (has('silent-lists')) return;
      return reply(`{"tools":${tools}}`);
    case 'resources/list':
      return params?.cursor === undefined
        ? reply('{"resources":[{"uri":"odd://one","name":"one"}],"nextCursor":"2"}')
        : reply('{"resources":[{"uri":"odd://two","name":"two"}]}');
    case 'prompts/list':
      return reply('{"prompts":[{"name":"greet"}]}');
    case 'tools/change':
      tools = '[{"name":"say","description":"changed"}]';
      write('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n');
      return reply('{}');
    default:
      return reply('{"content":[{"type":"text","text":"plain"}]}');
  }
}

function write(text: string): void {
  process.stdout.write(text);
}

if (!has('deaf')) {
  let rest = '';
  process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
    // At LF alone: `readline` would also cut at U+2028.
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (log) appendFileSync(log, `${line}\n`);
      if (line.trim() !== '') answer(line);
    }
  });
  process.stdin.on('end', () => {
    if (log) appendFileSync(log, 'EOF\n');
    if (!has('stay')) process.exitCode = Number(flag('exit') ?? 0);
  });
}
