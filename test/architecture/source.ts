import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import type { ImportSeen } from './arrows.ts';

export const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Source {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

/** Every TypeScript file under a folder of the repository, parsed. */
export function sourcesUnder(folder: string): Source[] {
  return readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(repository, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
    .map((path) => parse(path, readFileSync(join(repository, path), 'utf8')));
}

export function parse(path: string, text: string): Source {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

const nodes = new WeakMap<ts.Node, readonly ts.Node[]>();

/** Every node of a file, depth first. */
export function nodesOf(root: ts.Node): readonly ts.Node[] {
  const known = nodes.get(root);
  if (known !== undefined) return known;
  const found: ts.Node[] = [];
  const see = (node: ts.Node): void => {
    found.push(node);
    node.getChildren().forEach(see);
  };
  see(root);
  nodes.set(root, found);
  return found;
}

/** Imports, re-exports, dynamic imports and `import('…')` types. */
export function importsOf(source: Source): ImportSeen[] {
  const seen: ImportSeen[] = [];
  const add = (specifier: ts.Node, typeOnly: boolean, names: readonly string[]): void => {
    const literal = ts.isStringLiteralLike(specifier) ? specifier.text : `computed: ${specifier.getText()}`;
    seen.push({ from: source.path, specifier: literal, typeOnly, names });
  };
  for (const node of nodesOf(source.tree)) {
    if (ts.isImportDeclaration(node)) {
      const { importClause: clause } = node;
      add(node.moduleSpecifier, clause?.phaseModifier === ts.SyntaxKind.TypeKeyword, importedNames(clause));
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      const { exportClause: clause } = node;
      const names =
        clause !== undefined && ts.isNamedExports(clause) ? clause.elements.map(originalName) : ['*'];
      add(node.moduleSpecifier, node.isTypeOnly, names);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [specifier] = node.arguments;
      if (specifier !== undefined) add(specifier, false, ['*']);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true, node.qualifier === undefined ? ['*'] : [node.qualifier.getText()]);
    }
  }
  return seen;
}

function importedNames(clause: ts.ImportClause | undefined): string[] {
  if (clause === undefined) return ['*'];
  const names = clause.name === undefined ? [] : ['default'];
  const { namedBindings: bindings } = clause;
  if (bindings === undefined) return names;
  return [...names, ...(ts.isNamedImports(bindings) ? bindings.elements.map(originalName) : ['*'])];
}

/** What the other file calls it: `a` of `a as b`. */
function originalName(element: ts.ImportSpecifier | ts.ExportSpecifier): string {
  return (element.propertyName ?? element.name).text;
}
