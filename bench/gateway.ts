import { figure, quantile, type Figure } from './figure.ts';
import { asker, openSession, type Ask } from './http-client.ts';
import { echoServer, startEchoHttp, startGateway, startPeer, startService } from './places.ts';

/**
 * A tools/call and an action through the gateway, against the same server direct and against proxies that prove nothing, all in
 * the same minutes. A governed call makes two signed, timestamped, durable envelopes, which come back with inclusion proofs.
 */
const rounds = 3;
const callsAtOne = 300;
const callsAtMany = 800;
const warmUp = 100;

export async function* bench(): AsyncGenerator<Figure> {
  await using echo = await startEchoHttp();
  await using service = await startService();
  await using gateway = await startGateway(
    `servers:
  http: { url: '${echo.url}' }
  stdio: { command: '${process.execPath}', args: ['${echoServer}'] }
actions:
  act: { parameters: { type: object, properties: { value: { type: number } } }, request: { url: '${service.url}' } }
`,
  );
  await using mcpProxy = await startPeer('mcp-proxy');
  await using supergateway = await startPeer('supergateway');
  const headers = { authorization: `Bearer ${gateway.apiKey}` };
  const governed = (path: string) => ({ url: gateway.origin + path, headers });

  yield* compare('tools/call', {
    direct: await openSession(echo),
    gateway: await openSession(governed('/mcp/http')),
    'gateway, server over stdio': await openSession(governed('/mcp/stdio')),
    'mcp-proxy, server over stdio': await openSession(mcpProxy),
    'supergateway, server over stdio': await openSession(supergateway),
  });
  yield* compare('action', { direct: asker(service), gateway: asker(governed('/actions/act')) });
}

type Asks = Readonly<Record<string, Ask>> & { readonly direct: Ask };

/** In turn, round after round, so that a slow minute of the machine is in all of them. */
async function* compare(what: string, asks: Asks): AsyncGenerator<Figure> {
  const times = await inTurn(asks, (ask) => latencies(ask, callsAtOne));
  for (const [name, q] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ] as const) {
    const direct = quantile(times['direct']?.flat() ?? [], q);
    for (const [place, ms] of Object.entries(times))
      yield figure(`${what}, ${place}: ${name} at 1 in flight`, quantile(ms.flat(), q), 'ms', direct);
  }
  for (const inFlight of [8, 64]) {
    const rates = await inTurn(asks, (ask) => rate(ask, callsAtMany, inFlight));
    const direct = quantile(rates['direct'] ?? [], 0.5);
    for (const [place, each] of Object.entries(rates))
      yield figure(`${what}, ${place}: calls/s at ${inFlight} in flight`, quantile(each, 0.5), '/s', direct);
  }
}

async function inTurn<T>(asks: Asks, measure: (ask: Ask) => Promise<T>): Promise<Record<string, T[]>> {
  const results: Record<string, T[]> = {};
  for (let round = 0; round < rounds; round += 1)
    for (const [place, ask] of Object.entries(asks)) (results[place] ??= []).push(await measure(ask));
  return results;
}

async function latencies(ask: Ask, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count + warmUp; i += 1) {
    const before = performance.now();
    await ask();
    if (i >= warmUp) times.push(performance.now() - before);
  }
  return times;
}

async function rate(ask: Ask, count: number, inFlight: number): Promise<number> {
  let left = count;
  const before = performance.now();
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await ask();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (count * 1000) / (performance.now() - before);
}
