/** Characters of a request that a gate takes. */
const maxLength = 65_536;

/**
 * What a person said, as a gate takes it: at most 65,536 characters, cut between two words, since half of an address is an
 * address that nobody said. Undefined where that leaves nothing.
 */
export function boundedRequest(text: string): string | undefined {
  const bounded = text.length <= maxLength ? text : wholeWords(text);
  return bounded.trim() === '' ? undefined : bounded.toWellFormed();
}

function wholeWords(text: string): string {
  for (let end = maxLength; end > 0; end -= 1) if (/\s/u.test(text.charAt(end))) return text.slice(0, end);
  return '';
}

/**
 * The text of the last message of a person in what a framework calls its messages: those of the AI SDK and of its UI, LangChain,
 * OpenAI, Anthropic, Mastra, and the contents of Gemini and ADK. Images and files are left out, and so is whatever an assistant, a
 * system or a tool said, also where it stands in a message that is a person's by its role.
 *
 * Total: undefined for everything else, and where nobody can say what of a message is the person's.
 */
export function lastUserText(messages: unknown): string | undefined {
  try {
    const parts = lastOfPerson(Array.isArray(messages) ? messages : []);
    return boundedRequest(parts.flatMap(textOf).join('\n'));
  } catch {
    // A getter that throws: what cannot be read was not said.
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** The parts of the last message that a person has sent. */
function lastOfPerson(messages: readonly unknown[]): readonly unknown[] {
  const last = messages.findLast((message) => isOfPerson(message) && !isToolsAnswer(message));
  if (!isOfPerson(last) || isSummary(last)) return [];
  const parts = partsOf(last);
  // Beside a tool's result may stand what a program has put there for the model.
  return parts.some(isOfTool) ? [] : parts;
}

/** By both names that frameworks have for it, where there are both. */
function isOfPerson(message: unknown): message is Fields {
  if (!isFields(message)) return false;
  const { role, type } = message;
  if (role === undefined) return type === 'human';
  return role === 'user' && (type === undefined || type === 'message' || type === 'human');
}

/** Anthropic and Gemini have the results of tools come as messages of the user. */
function isToolsAnswer(message: Fields): boolean {
  const parts = partsOf(message);
  return parts.length > 0 && parts.every(isOfTool);
}

/** LangChain's summary of what was said before, which holds words of tools, is a message of its person. */
function isSummary({ additional_kwargs: more }: Fields): boolean {
  return isFields(more) && more['lc_source'] !== undefined;
}

function partsOf({ content, parts }: Fields): readonly unknown[] {
  const said = content ?? parts;
  if (typeof said === 'string') return [{ type: 'text', text: said }];
  if (Array.isArray(said)) return said;
  const inner = isFields(said) ? said['parts'] : undefined;
  return Array.isArray(inner) ? inner : [];
}

function isOfTool(part: unknown): boolean {
  if (!isFields(part)) return false;
  const names = typeof part['type'] === 'string' ? [part['type']] : Object.keys(part);
  return names.some((name) => /tool|function/i.test(name));
}

function textOf(part: unknown): readonly string[] {
  if (!isFields(part)) return [];
  const { type, text, thought } = part;
  // Gemini's parts have no type.
  const isText = type === 'text' || type === 'input_text' || (type === undefined && thought !== true);
  return isText && typeof text === 'string' ? [text] : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
