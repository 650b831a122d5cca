import { peerOf } from '../../../src/runtime/worker/connection.ts';
import type { Bindings } from '../../../src/runtime/worker/platform.ts';

/** A Worker that hands its requests on as the gateway's does, and whose object says who is at their other end. */

export class Log {
  fetch(request: Request): Response {
    const { address, certificate, chain } = peerOf(request);
    return Response.json({ address, certificate: certificate && [...certificate], chain: chain?.length });
  }
}

const worker = {
  fetch: (request: Request, { LOG }: Bindings): Promise<Response> =>
    LOG.get(LOG.idFromName('log')).fetch(request),
};
export { worker as default };
