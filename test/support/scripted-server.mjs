/**
 * A server over stdio that says what its script says: a module whose default export maps methods to answers. An answer is a
 * function of the request, and of what says more than the answer: it returns a result as JSON text, or nothing for silence.
 *
 * JavaScript, as it is started many times: Node takes a tenth of a second more of its time to start on TypeScript.
 */
import { createInterface } from 'node:readline';

const [file = ''] = process.argv.slice(2);
const { default: script } = await import(file);
const say = (text) => void process.stdout.write(`${text}\n`);

createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line);
  const { id, method = 'response' } = request;
  const answer = script[method];
  const result = answer?.(request, say);
  if (id === undefined || method === 'response') return;
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},`;
  if (result !== undefined) say(`${head}"result":${result}}`);
  else if (!answer) say(`${head}"error":{"code":-32601,"message":"There is no such method."}}`);
});
