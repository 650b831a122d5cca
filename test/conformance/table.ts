/** The comparison as the page `docs/conformance.md`. */
import { readFileSync } from 'node:fs';
import { format, type FormatConfig } from 'oxfmt';
import { sum } from './compare.ts';
import type { Comparison, Count, Difference, ScenarioComparison } from './compare.ts';
import { policy } from './governed.ts';
import { suiteVersion } from './suite.ts';

export const pageFile = new URL('../../docs/conformance.md', import.meta.url).pathname;

const { ignorePatterns: _, ...form } = JSON.parse(
  readFileSync(new URL('../../.oxfmtrc.json', import.meta.url), 'utf8'),
) as FormatConfig & { ignorePatterns: unknown };

/** Markdown, in the form that the repository's formatter leaves as it is. */
export async function conformancePage(comparisons: readonly Comparison[]): Promise<string> {
  const page = [introduction(), ...comparisons.map(section)].join('\n\n');
  return formatted(page);
}

/** Throws if the formatter cannot read it. */
export async function formatted(page: string): Promise<string> {
  const { code, errors } = await format(pageFile, page, form);
  const [error] = errors;
  if (error !== undefined) throw new Error(error.message);
  return code;
}

/** `84 passed, 0 failed`. */
export function counted({ passed, failed }: Count): string {
  return `${String(passed)} passed, ${String(failed)} failed`;
}

/** One line for a difference, such as `lost: ping (direct SUCCESS, through FAILURE)`. */
export function differenceLine({ kind, check, direct, through }: Difference): string {
  const said = (statuses: readonly string[]) => (statuses.length === 0 ? 'not seen' : statuses.join(' '));
  return `${kind}: ${check} (direct ${said(direct)}, through ${said(through)})`;
}

function introduction(): string {
  return `<!-- Made by \`npm run conformance\`. Change test/conformance/table.ts instead. -->

# Transparency, measured

A server behind Countersign should answer an MCP client as it would without. The
[MCP conformance suite](https://github.com/modelcontextprotocol/conformance) measures that: it plays a client and looks
at every answer. Here it plays all its server scenarios of two protocol revisions against the same server twice, direct and
through \`/mcp/NAME\` of \`countersign serve\`, and the answers are compared check by check. Whatever passes direct has to
pass through the gateway, with every call decided, signed and recorded; otherwise \`npm run conformance\` fails.

| | |
| --- | --- |
| Suite | \`@modelcontextprotocol/conformance\` ${suiteVersion}, every server scenario of each revision |
| Server | \`test/conformance/fixture-server.ts\`, on \`@modelcontextprotocol/server\` ${sdkVersion()} |
| Between | the same loopback port on both sides, which adds the API key towards the gateway |
| Gateway | one server, the limits of a new home, mode \`same-user\`; its log is audited afterwards |

The policy allows everything, since what a policy denies is meant to differ:

\`\`\`yaml
${policy}\`\`\`

Scenarios in *italics* are run by the suite without being required by the revision. A check that the suite only notes
counts as neither passed nor failed.`;
}

function section({ revision, scenarios }: Comparison): string {
  const differences = scenarios.flatMap(({ name, differences }) =>
    differences.map((each) => `- \`${name}\`: ${differenceLine(each)}`),
  );
  const direct = counted(sum(scenarios.map((each) => each.direct)));
  const through = counted(sum(scenarios.map((each) => each.through)));
  return `## ${revision}

Direct ${direct}; through the gateway ${through}.

${differences.length === 0 ? 'There is no difference.' : differences.join('\n')}

| scenario | direct | through | difference |
| --- | --- | --- | --- |
${scenarios.map(row).join('\n')}`;
}

function row({ name, scored, direct, through, differences }: ScenarioComparison): string {
  const cells = [
    scored ? name : `_${name}_`,
    short(direct),
    through === undefined ? '' : short(through),
    differences.map(({ kind, check }) => `${kind}: ${check}`).join('; ') || 'none',
  ];
  return `| ${cells.join(' | ')} |`;
}

function short({ passed, failed }: Count): string {
  return failed === 0 ? String(passed) : `${String(passed)}, ${String(failed)} failed`;
}

function sdkVersion(): string {
  const file = new URL('../../node_modules/@modelcontextprotocol/server/package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}
