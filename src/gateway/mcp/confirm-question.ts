import type { Call } from '../../call/call.ts';
import { ambiguityWithin, memberOf, type JsonNode, type ParsedJson } from '../../call/json-node.ts';
import type { Json } from '../../call/json.ts';
import { visible } from '../../gate/tool-review/visible.ts';
import type { Era } from './era.ts';
import type { Request } from './message.ts';

/** Arguments that are shown, and characters of each of them and of a name. What is cut is said. */
const maxArguments = 24;
const maxText = 400;
const maxName = 100;

/** The only member of the form. */
const field = 'confirm';

/** The params of an `elicitation/create` in form mode that asks whether this call may run, as JSON text on one line. */
export function questionParams(call: Pick<Call, 'server' | 'tool' | 'arguments'>): string {
  const requestedSchema = {
    type: 'object',
    properties: {
      [field]: { type: 'boolean', title: 'Run this call', description: 'Yes, run exactly this call.' },
    },
    required: [field],
  };
  return JSON.stringify({ message: questionText(call), requestedSchema });
}

/** What the person reads: no value of an argument can begin a line of its own, or print nothing. */
function questionText(call: Pick<Call, 'server' | 'tool' | 'arguments'>): string {
  const all = Object.entries(call.arguments);
  const lines = all
    .slice(0, maxArguments)
    .map(([name, value]) => `- ${shown(name, maxName)}: ${shown(value)}`);
  const left = all.length - lines.length;
  return [
    'Countersign asks, not the server: may the agent run this call once?',
    `${bare(call.server.name)}/${bare(call.tool)}`,
    ...(all.length === 0 ? ['without arguments'] : lines),
    ...(left > 0 ? [`- and ${left} more arguments that are not shown`] : []),
  ].join('\n');
}

function shown(value: Json, longest = maxText): string {
  return cut(visible(JSON.stringify(value)), longest);
}

/** A name without quotes, on one line. */
function bare(name: string): string {
  return cut(visible(name).replaceAll(/\s+/g, ' '), maxName);
}

function cut(text: string, longest: number): string {
  const characters = Array.from(text);
  if (characters.length <= longest) return text;
  return `${characters.slice(0, longest).join('')}… (${characters.length - longest} more characters)`;
}

/** Whether the client of this request says that it can ask its person by a form. */
export function canBeAsked(request: Request, era: Era, ofHandshake: boolean): boolean {
  if (era === 'legacy') return ofHandshake;
  const meta = request.params && memberOf(request.params, '_meta');
  return elicitsForms(meta && memberOf(meta, 'io.modelcontextprotocol/clientCapabilities'));
}

/** Whether an `initialize` says so. */
export function handshakeElicits({ params }: Request): boolean {
  return elicitsForms(params && memberOf(params, 'capabilities'));
}

/** `elicitation: {}` means forms (2025-06-18); from 2025-11-25 on, one that names `url` alone does not. */
function elicitsForms(capabilities: JsonNode | undefined): boolean {
  const elicitation = capabilities && memberOf(capabilities, 'elicitation');
  if (elicitation?.kind !== 'object') return false;
  return memberOf(elicitation, 'form')?.kind === 'object' || memberOf(elicitation, 'url') === undefined;
}

/** What the client says that its person said. */
export type Said = 'yes' | 'no';

/** Of an `ElicitResult`: only `accept` with the one member true is a yes. */
export function saidIn(answer: JsonNode | undefined, parsed: ParsedJson): Said {
  if (answer?.kind !== 'object' || ambiguityWithin(parsed, answer)) return 'no';
  const content = memberOf(answer, 'content');
  const isYes =
    memberOf(answer, 'action')?.value === 'accept' &&
    content?.kind === 'object' &&
    memberOf(content, field)?.value === true;
  return isYes ? 'yes' : 'no';
}
