import { matchesTool } from '../call/tool-pattern.ts';
import type { LabelRule } from './label-pack.ts';
import type { OutputLabel, Tool, ToolLabel } from './policy.ts';

/**
 * The labels of all packs → the label of a tool's outputs. Whoever says untrusted or sensitive wins over who does not, so that
 * the order of packs does not matter; what nobody vouches for is untrusted.
 */
export function labelsOf(rules: readonly LabelRule[]): (tool: Tool) => ToolLabel {
  if (rules.length === 0) return () => unlabelled;
  const known = new Map<string, ToolLabel>();
  return ({ server, name }) => {
    const key = JSON.stringify([server, name]);
    let label = known.get(key);
    if (label === undefined) {
      label = join(rules.filter(({ tools }) => tools.some((one) => matchesTool(one, server, name))));
      // A caller chooses tool names: the memory is bounded.
      if (known.size >= labelsKept) known.clear();
      known.set(key, label);
    }
    return label;
  };
}

const labelsKept = 1_024;

const unlabelled: ToolLabel = Object.freeze({ trusted: false, sensitive: false, format: 'json', fields: [] });

function join(said: readonly LabelRule[]): ToolLabel {
  if (said.length === 0) return unlabelled;
  const paths = new Map<string, LabelRule['fields'][number][]>();
  for (const field of said.flatMap(({ fields }) => fields)) {
    const key = JSON.stringify(field.path);
    paths.set(key, [...(paths.get(key) ?? []), field]);
  }
  const fields = [...paths.values()].map((same) => ({ path: same[0]?.path ?? [], label: strictest(same) }));
  const whole = strictest(said);
  const [format = 'json', other] = new Set(said.flatMap((one) => one.format ?? []));
  if (other === undefined) return { ...whole, format, fields };
  // Read in two ways it has other fields in each: none of it is relied on.
  const sensitive = whole.sensitive || fields.some(({ label }) => label.sensitive);
  return { trusted: false, sensitive, format: 'text', fields: [] };
}

function strictest(
  said: readonly { readonly trust: 'trusted' | 'untrusted' | undefined; readonly sensitive: boolean }[],
): OutputLabel {
  const words = said.map(({ trust }) => trust);
  return {
    trusted: words.includes('trusted') && !words.includes('untrusted'),
    sensitive: said.some(({ sensitive }) => sensitive),
  };
}
