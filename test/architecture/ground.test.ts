import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { allowCodes, metaKeys, metaPrefix, predicateTypes, reasonCodes } from '../../src/names.ts';
import { mayUseNode } from './arrows.ts';
import type { Source } from './source.ts';
import { nodesOf, parse, repository, sourcesUnder } from './source.ts';

const sources = sourcesUnder('src');

/** `path:line` of every node that `finds` says yes to. */
function places(among: readonly Source[], finds: (node: ts.Node) => boolean): string[] {
  return among.flatMap(({ path, tree }) =>
    nodesOf(tree)
      .filter(finds)
      .map((node) => {
        const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
        return `${path}:${line + 1}`;
      }),
  );
}

describe('no rule is switched off in src', () => {
  it.each([
    'oxlint-disable',
    'oxlint-enable',
    'eslint-disable',
    'eslint-enable',
    '@ts-ignore',
    '@ts-expect-error',
    '@ts-nocheck',
    'prettier-ignore',
    'oxfmt-ignore',
  ])('by %s', (comment) => {
    expect(sources.filter(({ text }) => text.includes(comment)).map(({ path }) => path)).toEqual([]);
  });
});

describe('the environment', () => {
  it('is read by runtime, and handed over by the command line, and by nobody else', () => {
    const others = sources.filter(
      ({ path }) => !path.startsWith('src/runtime/') && path !== 'src/cli/main.ts',
    );
    expect(places(others, readsEnvironment)).toEqual([]);
  });

  it.each([
    'process.env.HOME',
    "process['env']",
    'globalThis.process.env',
    'const { env } = process;',
    "import { env } from 'node:process';",
    'import.meta.env.HOME',
  ])('is noticed in the form %s', (text) => {
    expect(places([parse('src/gate/run.ts', text)], readsEnvironment)).not.toEqual([]);
  });
});

describe('a file that must also run on Workers', () => {
  it('uses no global of Node', () => {
    // One file asks whether the runtime has them, and answers for those that have not.
    const neutral = sources.filter(({ path }) => !mayUseNode(path) && path !== 'src/call/host.ts');
    expect(places(neutral, isNodeGlobal)).toEqual([]);
  });

  it('makes no code out of text', () => {
    expect(places(sources, makesCode)).toEqual([]);
  });
});

describe('names', () => {
  it('of files are kebab-case', () => {
    const entries = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' });
    const odd = entries.filter(
      (entry) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z]+)*$/.test(entry.split(/[\\/]/).at(-1) ?? ''),
    );
    expect(odd).toEqual([]);
  });

  it('are what is exported: nothing has a default export', () => {
    expect(places(sources, isDefaultExport)).toEqual([]);
  });

  it('of reason codes occur once each, and say nothing but themselves', () => {
    const codes = [...allowCodes, ...reasonCodes];
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
    expect(codes.filter((code) => !/^[A-Z]+(?:_[A-Z]+)*$/.test(code))).toEqual([]);
  });

  it('of predicate types are different, versioned, and under one host', () => {
    const types = Object.values(predicateTypes);
    expect(new Set(types).size).toBe(types.length);
    expect(
      types.filter((type) => !/^https:\/\/countersign\.dev\/[a-z]+(?:-[a-z]+)*\/v[1-9]$/.test(type)),
    ).toEqual([]);
    expect(Object.values(metaKeys).filter((key) => !key.startsWith(metaPrefix))).toEqual([]);
  });

  it('of predicates are written in names.ts alone', () => {
    const elsewhere = sources.filter(({ path }) => path !== 'src/names.ts');
    const isPredicate = (node: ts.Node): boolean =>
      ts.isStringLiteralLike(node) && node.text.startsWith('https://countersign.dev/');
    expect(places(elsewhere, isPredicate)).toEqual([]);
  });
});

describe('wire codes', () => {
  it('are known to the gateway alone', () => {
    const others = sources.filter(({ path }) => !path.startsWith('src/gateway/'));
    expect(places(others, isWireCode)).toEqual([]);
  });

  it('are noticed as numbers and as text', () => {
    expect(
      places([parse('src/gate/run.ts', 'const a = -32_601;\nconst b = "code -32603";')], isWireCode),
    ).toEqual(['src/gate/run.ts:1', 'src/gate/run.ts:2']);
  });
});

function readsEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'env' && isProcess(node.expression);
  if (ts.isElementAccessExpression(node)) return isProcess(node.expression);
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name)) {
    return node.initializer !== undefined && isProcess(node.initializer);
  }
  return ts.isStringLiteralLike(node) && /^(?:node:)?process$/.test(node.text);
}

function isProcess(node: ts.Node): boolean {
  if (ts.isMetaProperty(node)) return true;
  return /(?:^|\.|\[['"])process(?:['"]\])?$/.test(node.getText());
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node.parent);
}

/** A free identifier that only Node defines. */
function isNodeGlobal(node: ts.Node): boolean {
  if (!ts.isIdentifier(node)) return false;
  if (!['process', 'Buffer', '__dirname', '__filename', 'require'].includes(node.text)) return false;
  const { parent } = node;
  const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node;
  return !isMember && !ts.isPropertyAssignment(parent) && !ts.isPropertySignature(parent);
}

function makesCode(node: ts.Node): boolean {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return false;
  return ['eval', 'Function', 'globalThis.eval', 'globalThis.Function'].includes(node.expression.getText());
}

/** A JSON-RPC error code of the reserved range, as a number or inside a text. */
function isWireCode(node: ts.Node): boolean {
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) {
    const value = Number(node.operand.getText().replaceAll('_', ''));
    return value >= 32_000 && value <= 32_999;
  }
  return ts.isStringLiteralLike(node) && /(?:^|\D)-32\d{3}(?!\d)/.test(node.text);
}
