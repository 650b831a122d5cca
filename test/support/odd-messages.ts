import { spawn } from 'node:child_process';
import { oddServer } from './wrapped.ts';

/** Values that a relay which parses and prints would change, lose or choke on. */
const oddValues: readonly string[] = [
  '12345678901234567890',
  '-0',
  '-0.0',
  '1.0',
  '1.50',
  '1e2',
  '1E+2',
  '0.1e-7',
  '1e400',
  '3.141592653589793238462643383279',
  '"\\u0041\\/\\b"',
  '"\\ud83d\\ude00"',
  '"\\ud83d"',
  '"é😀\u2028\u2029\u0085\ufeff"',
  '"\\u0000"',
  '[ ]',
  '{ }',
  '[1 , 2,\t3]',
  '{"b":1,"a":2}',
  '{"a":1,"a":2}',
  '{"a":1,"A":2}',
  '{"__proto__":{"x":1},"constructor":null}',
  '{"":0}',
  '{"type":"hologram","frames":[[]]}',
  '{"2":1,"1":2,"10":3}',
  '[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]',
  'null',
  'true',
  `"${'x'.repeat(100_000)}"`,
];

/** What the server says before its answer. */
const aside = (value: string, at: number): string =>
  at % 2 === 0
    ? `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":${value}}}`
    : `{"jsonrpc":"2.0","id":"s${at}","method":"elicitation/create","params":{"x":${value}}, "extra":${value}}`;

export interface OddExchange {
  readonly id: number;
  /** What the client sends, with its line end. */
  readonly sent: string;
  /** Lines that the server answers with; the last one is the answer. */
  readonly count: number;
  readonly isCall: boolean;
}

/** For each odd value: a governed result, a governed error, a relayed result, and a client's own oddness passed on. */
export function oddExchanges(): readonly OddExchange[] {
  let id = 0;
  return oddValues.flatMap((value, at) => {
    const answers: readonly (readonly [isCall: boolean, method: string, answer: string])[] = [
      [
        true,
        'tools/call',
        `{"jsonrpc":"2.0","id":$ID,"result":{"content":[${value}], "x":${value},"_meta":{"y" : ${value}}}}`,
      ],
      [
        true,
        'tools/call',
        ` {"extra":${value},"result" : {"resultType":"complete"},"id":$ID,"jsonrpc":"2.0"} `,
      ],
      [
        true,
        'tools/call',
        `{"jsonrpc":"2.0","id":$ID,"error":{"code":-32000,"message":"no","data":{"z":${value}}}}`,
      ],
      [
        false,
        'tools/list',
        `{"jsonrpc":"2.0","id":$ID,"result":{"tools":[],"x":${value},"resultType":"task"}}`,
      ],
    ];
    return answers.map(([isCall, method, answer], which): OddExchange => {
      const end = which % 2 === 0 ? '\n' : '\r\n';
      const say = JSON.stringify([aside(value, at) + end, answer + end]);
      id += 1;
      const params = isCall ? `{"name":"say","arguments":{"say":${say}}}` : `{"say":${say},"odd":${value}}`;
      return {
        id,
        sent: `{"jsonrpc":"2.0", "id":${id},"method":"${method}","params":${params}}${end}`,
        count: 2,
        isCall,
      };
    });
  });
}

/** What the odd server says to each exchange when nobody is in between: raw text with line ends. */
export async function saidDirectly(exchanges: readonly OddExchange[]): Promise<string> {
  const child = spawn(process.execPath, [oddServer], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  for (const { sent } of exchanges) child.stdin.write(sent);
  child.stdin.end();
  await new Promise((resolve) => child.once('close', resolve));
  return text;
}
