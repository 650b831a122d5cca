import { fromUtf8 } from '../../call/sha256.ts';
import { reviewCharacters } from './characters.ts';
import type { FindingKind, ReviewedServer, TextFinding, ToolFinding } from './finding.ts';
import { reviewLayout } from './layout.ts';
import { asciiLook } from './look.ts';
import { mentionsOf, type FindMentions } from './mentions.ts';
import { reviewNames } from './names.ts';
import { reviewSentences } from './sentences.ts';
import { textsOf, type DefinitionText } from './texts.ts';

/** Of each kind a tool is told as often. */
const maxOfKind = 8;

/** An icon is data, and shown to people alone. */
const iconSource = /^\/icons\/\d+\/src$/;

/**
 * Reads what servers list as somebody who means harm would have written it. Total: any bytes give an answer, in time that grows with
 * their length. What is found is for a person to judge, and no finding says that nothing is wrong.
 */
export function reviewTools(servers: readonly ReviewedServer[]): readonly ToolFinding[] {
  const mentions = mentionsOf(servers);
  const inDefinitions = servers.flatMap(({ name, tools }) => {
    const findMentions = mentions(name);
    return tools.flatMap((tool) => reviewDefinition(name, tool, findMentions));
  });
  return [...reviewNames(servers), ...inDefinitions];
}

function reviewDefinition(
  server: string,
  { name: tool, definition }: ReviewedServer['tools'][number],
  findMentions: FindMentions,
): readonly ToolFinding[] {
  const unreadable = (message: string): ToolFinding => ({
    kind: 'unreadable',
    server,
    tool,
    where: '',
    message,
  });
  const parsed = parseDefinition(definition);
  if (parsed === undefined) return [unreadable('The definition is no JSON object.')];
  const { texts, isWhole } = textsOf(parsed);
  const counts = new Map<FindingKind, number>();
  const found: ToolFinding[] = isWhole
    ? []
    : [unreadable('The definition is nested too deeply to be read whole.')];
  for (const text of texts) {
    for (const each of reviewText(text, findMentions)) {
      const count = (counts.get(each.kind) ?? 0) + 1;
      counts.set(each.kind, count);
      if (count <= maxOfKind) found.push({ ...each, server, tool, where: text.where });
    }
  }
  return found;
}

function reviewText({ text, where }: DefinitionText, findMentions: FindMentions): readonly TextFinding[] {
  const look = asciiLook(text);
  const layout = reviewLayout(text, look);
  return [
    ...reviewCharacters(text),
    ...(iconSource.test(where) ? layout.filter(({ kind }) => kind !== 'encoded-blob') : layout),
    ...reviewSentences(look),
    ...findMentions(look),
  ];
}

function parseDefinition(definition: Uint8Array): object | undefined {
  try {
    const parsed: unknown = JSON.parse(fromUtf8(definition) ?? '');
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
