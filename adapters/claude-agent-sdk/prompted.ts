import type { UserPromptSubmitHookInput } from '@anthropic-ai/claude-agent-sdk';
import { lastUserText } from '../../src/adapter.ts';

/** What one query was asked, as far as it has got. */
export interface Prompted {
  /** What its person, or the program for them, has said last. */
  readonly prompt: () => string | undefined;
  readonly note: (told: UserPromptSubmitHookInput) => void;
}

/** Who else begins a turn says nothing for the person: wake-ups, messages of other agents, what became of a task. */
const persons: readonly unknown[] = ['user', 'sdk'];

export function prompted(): Prompted {
  let last: string | undefined;
  return {
    prompt: () => last,
    note({ prompt, source, agent_id: subagent }) {
      if (subagent !== undefined || (source !== undefined && !persons.includes(source))) return;
      // Versions that do not say who has written it put a tag before what nobody typed.
      const isTagged = source === undefined && /^\s*<[a-z]/i.test(prompt);
      last = isTagged ? undefined : lastUserText([{ role: 'user', content: prompt }]);
    },
  };
}
