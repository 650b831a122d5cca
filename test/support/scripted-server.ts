/**
 * A server over stdio that says what its script says: a module whose default export maps methods to answers. An answer is a
 * result as JSON text, `{error}`, or a function of the request; `undefined` is silence.
 */
import { createInterface } from 'node:readline';

export interface ScriptedRequest {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
}

export type Script = Readonly<
  Record<string, (request: ScriptedRequest, say: (text: string) => void) => string | undefined>
>;

const [file = ''] = process.argv.slice(2);
const { default: script } = (await import(file)) as { readonly default: Script };
const say = (text: string): void => void process.stdout.write(`${text}\n`);

createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line) as ScriptedRequest;
  const { id, method = 'response' } = request;
  const answer = script[method];
  const result = answer?.(request, say);
  if (id === undefined || method === 'response') return;
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},`;
  if (result !== undefined) say(`${head}"result":${result}}`);
  else if (!answer) say(`${head}"error":{"code":-32601,"message":"There is no such method."}}`);
});
