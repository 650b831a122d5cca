import { isAlias, parseDocument, visit, type Document, type LineCounter } from 'yaml';
import { limits } from './limits.ts';

/** Throws; `offset` is where in the text. */
export type Refuse = (offset: number, sentence: string) => never;

/** One YAML document without duplicate keys, anchors, aliases, tags or merge keys; whatever else comes is refused. */
export function parseStrictYaml(text: string, lineCounter: LineCounter, refuse: Refuse): Document {
  if (text.length > limits.sourceLength)
    refuse(0, `it is longer than ${limits.sourceLength} characters; split it`);
  if (!text.isWellFormed()) refuse(0, 'it is not valid Unicode; save it as UTF-8');
  let document: Document;
  try {
    document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      strict: true,
      uniqueKeys: true,
      merge: false,
      resolveKnownTags: false,
      prettyErrors: false,
      // 'silent' would also silence the refusal of a second document.
      logLevel: 'error',
      lineCounter,
    });
  } catch {
    // The YAML parser recurses: flow collections nested by the thousand end here.
    return refuse(
      0,
      'it is not a YAML document that can be read; check that nothing is nested absurdly deep',
    );
  }
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined)
    refuse(problem.pos[0], `it is not valid YAML: ${firstSentence(problem.message)}`);
  refuseIndirection(document, refuse);
  return document;
}

/** Anchors make a small file large, and what a rule says must be where the rule is. */
function refuseIndirection({ contents }: Document, refuse: Refuse): void {
  visit(contents, {
    Node: (_, node) => {
      const offset = node.range?.[0] ?? 0;
      if (isAlias(node) || node.anchor !== undefined)
        refuse(offset, 'anchors and aliases are not allowed; repeat the value');
      if (node.tag !== undefined) refuse(offset, 'tags are not allowed; write the plain value');
    },
  });
}

/** The parser's sentences go on with excerpts and advice for programmers. */
function firstSentence(message: string): string {
  return (message.split(/[\n;]/)[0] ?? '').replace(/[.:\s]+$/, '');
}
