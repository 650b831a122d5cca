import type { LlmRequest } from '@google/adk';
import { CountersignError } from '../../src/adapter.ts';

/**
 * Whether a tool, when it is put into a request, asks the provider for something that is carried out there. It is seen in
 * the request, so that a class that nobody has heard of is found too.
 *
 * @returns Throws CONFIG_INVALID if there is more of that than before.
 */
export function refuseProviderTools(name: string, llmRequest: LlmRequest): () => void {
  const before = providerTools(llmRequest);
  return () => {
    if (providerTools(llmRequest) <= before) return;
    throw new CountersignError(
      'CONFIG_INVALID',
      `The tool ${name} is carried out by the model's provider, where no gate stands: remove it, or say providerTools: 'allow'.`,
    );
  };
}

/** What has no declarations carries itself out, with or without members of its own to show for it. */
function providerTools({ config }: LlmRequest): number {
  return (config?.tools ?? []).reduce((sum, tool) => {
    const { length } = Object.keys(tool);
    return sum + ('functionDeclarations' in tool ? length - 1 : Math.max(length, 1));
  }, 0);
}
