import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PressureController {
  readonly url: string;
  /** Bar. */
  readonly pressure: () => number;
  readonly close: () => void;
}

/** The device in the plant: whoever has its token sets the pressure. It knows nothing of agents, people or policies. */
export async function startPressureController(token: string): Promise<PressureController> {
  let pressure = 20;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${token}` || request.method !== 'PUT') {
      response.writeHead(401).end();
      return;
    }
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      pressure = (JSON.parse(body) as { value: number }).value;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ pressure }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pressure: () => pressure,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
