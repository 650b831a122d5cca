import type { ToolCallInfo } from './tool.ts';

/**
 * Whether a person was shown this call and has just approved it, as the run's messages tell: the last one answers the request of
 * this very call. What the application approved by itself (`isAutomatic`) nobody was shown.
 */
export function isApproved({ toolCallId, messages }: Pick<ToolCallInfo, 'toolCallId' | 'messages'>): boolean {
  const ids = partsOf(messages, 'assistant', 'tool-approval-request')
    .filter((part) => part['toolCallId'] === toolCallId && part['isAutomatic'] !== true)
    .map((part) => part['approvalId']);
  const answers = partsOf(messages.slice(-1), 'tool', 'tool-approval-response').filter((part) =>
    ids.includes(part['approvalId']),
  );
  return answers.length > 0 && answers.every((part) => part['approved'] === true);
}

type Part = Readonly<Record<string, unknown>>;

function partsOf(messages: readonly unknown[], role: string, type: string): readonly Part[] {
  return messages
    .filter((message): message is Part => isRecord(message) && message['role'] === role)
    .flatMap(({ content }) => (Array.isArray(content) ? (content as unknown[]) : []))
    .filter((part): part is Part => isRecord(part) && part['type'] === type);
}

function isRecord(value: unknown): value is Part {
  return typeof value === 'object' && value !== null;
}
