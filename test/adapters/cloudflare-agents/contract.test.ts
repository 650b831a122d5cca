import { AsyncLocalStorage } from 'node:async_hooks';
import { convertToModelMessages, generateText, isStepCount, type UIMessage } from 'ai';
import { governMcp, lastUserText } from '../../../adapters/cloudflare-agents/index.ts';
import type { Delegator } from '../../../src/adapter.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import { modelOf7, toldTo } from '../ai/scripted-model.ts';
import { createTraces, integrationOf } from '../ai/traces.ts';
import { describeAdapter } from '../contract.ts';
import { managerOf } from './manager.ts';

/** What an agent has of the one who talks to it: the chat's messages among it. */
const talk = new AsyncLocalStorage<{ readonly person: Delegator; readonly messages: readonly UIMessage[] }>();

describeAdapter({
  name: 'Cloudflare agents',
  lacks: {
    confirmation: 'Its MCP clients ask nobody about a call.',
    streaming: 'A tool of MCP has one result.',
    abort: 'getAITools() hands the caller’s signal on to no tool.',
  },
  async run({ tools, calls, humanToken, says = 'Please.', ...options }) {
    const mcp = managerOf({
      connectionState: 'ready',
      tools: tools.map(({ name, description, parameters }) => ({
        name,
        description,
        inputSchema: parameters,
      })),
      client: {
        async callTool({ name, arguments: args }, call) {
          const tool = tools.find((spec) => spec.name === name);
          const result = await tool?.execute(args as JsonObject, call?.signal);
          return { content: [{ type: 'text', text: JSON.stringify(result) }] };
        },
      },
    });
    governMcp({
      ...options,
      identity: () => talk.getStore()?.person,
      request: () => lastUserText(talk.getStore()?.messages),
    })(mcp);
    const traces = createTraces();
    const model = modelOf7(calls.map((call) => ({ ...call, name: `tool_office_${call.name}` })));
    const person = humanToken === undefined ? {} : { humanToken };
    const messages: UIMessage[] = [{ id: 'm1', role: 'user', parts: [{ type: 'text', text: says }] }];
    const result = await talk.run({ person, messages }, async () =>
      generateText({
        model,
        tools: mcp.getAITools(),
        messages: await convertToModelMessages(messages),
        stopWhen: isStepCount(5),
        telemetry: { isEnabled: true, integrations: [integrationOf(traces)] },
      }),
    );
    traces.note(result.steps, model.doGenerateCalls);
    return { told: toldTo(model.doGenerateCalls), traces: traces.text() };
  },
});
