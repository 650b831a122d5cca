import type { PlaintextField, Tool } from './policy.ts';
import { matchesTool, type ToolPattern } from '../call/tool-pattern.ts';
import { keep, redact, strictest, type Treatment } from './treatment.ts';

/** One rule on what the side store keeps of calls to some tools. */
export interface PlaintextRule {
  readonly tools: readonly ToolPattern[];
  /** `*` is every field. */
  readonly fields: ReadonlySet<PlaintextField | '*'>;
  readonly treatment: Treatment;
}

/**
 * The rules of all packs → the treatment of a field. Where several speak, the strictest counts; where none does, what a
 * call asked for is kept, and of a result only the salts.
 */
export function plaintextRules(
  rules: readonly PlaintextRule[],
): (tool: Tool, field: PlaintextField) => Treatment {
  if (rules.length === 0) return (_, field) => unsaid(field);
  // A call asks for its fields one after the other: its tool is matched once.
  let asked: Tool = { server: '', name: '' };
  let matching: readonly PlaintextRule[] = [];
  return (tool, field) => {
    if (tool.server !== asked.server || tool.name !== asked.name) {
      matching = rules.filter(({ tools }) =>
        tools.some((pattern) => matchesTool(pattern, tool.server, tool.name)),
      );
      asked = { server: tool.server, name: tool.name };
    }
    const said = matching.filter(({ fields }) => fields.has(field) || fields.has('*'));
    return said.length === 0 ? unsaid(field) : said.map(({ treatment }) => treatment).reduce(strictest);
  };
}

function unsaid(field: PlaintextField): Treatment {
  return field === 'result' ? redact : keep;
}
