import { getAgentByName, type Agent, type AgentContext } from 'agents';
import { generateText, isStepCount } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import type { JsonObject } from '../../../src/call/json.ts';
import { Clerk as Example, person, type Env } from './agents-example.ts';

/** The documentation's agent in its Durable Object, doing what a test asks it to. */

export type Order =
  | { readonly do: 'chat'; readonly tool: string; readonly args: JsonObject }
  | { readonly do: 'tool'; readonly name: string; readonly args: JsonObject }
  | { readonly do: 'resource'; readonly uri: string }
  | { readonly do: 'prompt'; readonly name: string }
  | { readonly do: 'restart' };

export interface Did {
  readonly result?: unknown;
  readonly error?: { readonly code?: string; readonly message: string };
  /** Everything that the object's tables hold, as text. */
  readonly stored: string;
}

export class Clerk extends Example {
  readonly #restart: () => void;

  constructor(ctx: AgentContext, env: Env) {
    super(ctx, env);
    const state: { abort(): void } = ctx;
    this.#restart = () => state.abort();
  }

  override async onRequest(request: Request): Promise<Response> {
    const order = (await request.json()) as Order;
    const humanToken = request.headers.get('x-person');
    if (order.do === 'restart') this.#restart();
    await this.mcp.waitForConnections();
    const did = await person.run(humanToken === null ? {} : { humanToken }, () => this.#attempt(order));
    return Response.json({ ...did, stored: this.#stored() });
  }

  async #attempt(order: Order): Promise<Pick<Did, 'result' | 'error'>> {
    try {
      return { result: await this.#carryOut(order) };
    } catch (error) {
      const { code, message } = error as Error & { code?: string };
      return { error: { ...(code !== undefined && { code }), message } };
    }
  }

  async #carryOut(order: Order): Promise<unknown> {
    const serverId = 'office';
    switch (order.do) {
      case 'chat':
        return chat(order.tool, order.args, this.mcp.getAITools());
      case 'tool':
        return this.mcp.callTool({ serverId, name: order.name, arguments: order.args });
      case 'resource':
        return this.mcp.readResource({ serverId, uri: order.uri }, {});
      case 'prompt':
        return this.mcp.getPrompt({ serverId, name: order.name, arguments: {} }, {});
      case 'restart':
        return undefined;
    }
  }

  #stored(): string {
    const tables = this.sql<{
      name: string;
    }>`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'`;
    return JSON.stringify(
      tables.map(({ name }) => {
        const query = [`SELECT * FROM "${name}"`];
        return [name, this.sql(Object.assign(query, { raw: query }))];
      }),
    );
  }
}

/** One run of the AI SDK with a model that calls one tool. Resolves to what the model was told. */
async function chat(toolName: string, args: JsonObject, tools: ReturnType<Agent['mcp']['getAITools']>) {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 1, text: 1, reasoning: undefined },
  };
  const call = { type: 'tool-call' as const, toolCallId: 'call_1', toolName, input: JSON.stringify(args) };
  const finish = (unified: 'tool-calls' | 'stop') => ({
    usage,
    warnings: [],
    finishReason: { unified, raw: undefined },
  });
  const model = new MockLanguageModelV4({
    doGenerate: async ({ prompt }) =>
      prompt.length > 1
        ? { content: [{ type: 'text', text: 'done' }], ...finish('stop') }
        : { content: [call], ...finish('tool-calls') },
  });
  await generateText({ model, tools, prompt: 'Add milk.', stopWhen: isStepCount(2) });
  return model.doGenerateCalls.at(-1)?.prompt.at(-1);
}

interface Bindings {
  readonly CLERK: Parameters<typeof getAgentByName>[0];
}

const worker = {
  async fetch(request: Request, { CLERK }: Bindings): Promise<Response> {
    const clerk = await getAgentByName(CLERK, 'anna');
    return clerk.fetch(request);
  },
};
export { worker as default };
