import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent, type AgentContext } from 'agents';
import { connectGate, type Delegator } from '../../../src/index.ts';
import { governMcp } from '../../../adapters/cloudflare-agents/index.ts';

export interface Env {
  readonly GATE: { readonly fetch: typeof fetch };
  readonly COUNTERSIGN_API_KEY: string;
}

export const person = new AsyncLocalStorage<Delegator>();

export class Clerk extends Agent<Env> {
  constructor(ctx: AgentContext, env: Env) {
    super(ctx, env);
    const gate = connectGate({
      url: 'https://gate.example',
      apiKey: env.COUNTERSIGN_API_KEY,
      fetch: (input, init) => env.GATE.fetch(input, init),
    });
    governMcp({ gate, server: (serverId) => serverId, identity: () => person.getStore() })(this.mcp);
  }

  override async onStart(): Promise<void> {
    await this.addMcpServer('office', 'https://mcp.example/mcp', { id: 'office' });
  }
}
