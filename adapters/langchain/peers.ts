import type { ToolMessage as CoreToolMessage } from '@langchain/core/messages';
import { peer } from '../shared/peer.ts';

const load = <T>(from: () => Promise<T>): Promise<T> =>
  peer('langchain', 'langchain @langchain/core @langchain/langgraph', from);

/** Everything of the framework that runs: loaded once, and with a sentence for who has not installed it. */
export const { createMiddleware, ToolInvocationError } = await load(() => import('langchain'));
export const { interrupt, isCommand, isGraphBubbleUp } = await load(() => import('@langchain/langgraph'));
export const { Runnable } = await load(() => import('@langchain/core/runnables'));
export const { toJsonSchema } = await load(() => import('@langchain/core/utils/json_schema'));
export const { ToolMessage } = await load(() => import('@langchain/core/messages'));
export type ToolMessage = CoreToolMessage;
