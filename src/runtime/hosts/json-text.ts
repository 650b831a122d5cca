import {
  applyEdits,
  findNodeAtLocation,
  modify,
  parseTree,
  type FormattingOptions,
  type Node,
  type ParseOptions,
} from 'jsonc-parser';
import { isTexts } from '../../call/json.ts';
import { parseJsonWithComments } from '../doctor/json-with-comments.ts';
import type { Change } from './changes.ts';
import type { Language } from './edit-text.ts';
import { dropFront, prependItems } from './list-text.ts';

/** JSON as hosts take it, with its comments. */
export const jsonText: Language = { parse: parseJsonWithComments, change: changeJson };

const asHostsDo: ParseOptions = { allowTrailingComma: true, disallowComments: false };

function changeJson(text: string, change: Change): string | undefined {
  const root = parseTree(text, [], asHostsDo);
  const node = root && findNodeAtLocation(root, [...change.path]);
  if (change.kind === 'set') {
    if (isOnOneLine(text, node) && isTexts(change.value)) return replaced(text, node, oneLine(change.value));
    const edits = modify(text, [...change.path], change.value, { formattingOptions: formattingOf(text) });
    return applyEdits(text, edits);
  }
  const starts = node?.children?.map(({ offset }) => offset);
  if (node === undefined || starts === undefined) return undefined;
  const list = { open: node.offset, starts };
  return change.kind === 'prepend'
    ? prependItems(
        text,
        list,
        change.items.map((item) => JSON.stringify(item)),
      )
    : dropFront(text, list, change.count);
}

function isOnOneLine(text: string, node: Node | undefined): node is Node {
  return node?.type === 'array' && !text.slice(node.offset, node.offset + node.length).includes('\n');
}

function replaced(text: string, { offset, length }: Node, by: string): string {
  return text.slice(0, offset) + by + text.slice(offset + length);
}

function oneLine(items: readonly string[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(', ')}]`;
}

/** As the text is written already. */
function formattingOf(text: string): FormattingOptions {
  const [, indent = '  '] = /\n([ \t]+)\S/.exec(text) ?? [];
  return {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 1 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
}
