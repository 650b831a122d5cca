import { CountersignError } from '../../errors.ts';
import { assertGuardedSocket, mcpEndpoint, parseGateAddress } from '../connect/gate-address.ts';
import { createSend } from '../connect/node-fetch.ts';
import type { ServingGate } from './install.ts';

/** Milliseconds. Nothing is started for this answer. */
const answerMs = 15_000;

/**
 * A gate that can be asked what it serves. Its MCP endpoint of a name answers a GET outside a session with 405, and with 404 where
 * there is none (docs/gateway.md).
 *
 * @throws CountersignError `USAGE` for what is no address.
 */
export function servingGate(
  address: string,
  { cwd, apiKey }: { readonly cwd: string; readonly apiKey: string },
): ServingGate {
  const gate = parseGateAddress(address, cwd);
  const { socketPath } = gate;
  const send = createSend({ socketPath });
  const status = async (name: string): Promise<number> => {
    if (socketPath !== undefined) assertGuardedSocket(socketPath);
    try {
      const answer = await send(mcpEndpoint(gate, name), {
        method: 'GET',
        headers: { authorization: `Bearer ${apiKey}`, accept: 'text/event-stream' },
        signal: AbortSignal.timeout(answerMs),
      });
      await answer.body?.cancel();
      return answer.status;
    } catch (error) {
      throw new CountersignError(
        'GATE_UNREACHABLE',
        `The gate at ${address} cannot be asked what it serves.`,
        {
          cause: error,
        },
      );
    }
  };
  return {
    address: socketPath === undefined ? gate.base : `unix:${socketPath}`,
    url: socketPath === undefined ? gate.base : undefined,
    async serves(name) {
      const code = await status(name);
      if (code === 404) return false;
      if (code === 405) return true;
      throw new CountersignError(
        'GATE_ANSWER_INVALID',
        `The gate at ${address} answers with ${code}: whether it serves “${name}” is not known.`,
      );
    },
  };
}
