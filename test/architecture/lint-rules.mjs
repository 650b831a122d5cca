/** The linter's rules of our own: they show where it is written what the tests beside this file hold without mercy. */
import { wrongArrow } from './arrows.ts';

const root = new URL('../../', import.meta.url).pathname;

const arrows = {
  create(context) {
    const from = context.filename.slice(root.length);
    const check = (node) => {
      if (typeof node.source?.value !== 'string') return;
      const why = wrongArrow({
        from,
        specifier: node.source.value,
        typeOnly: node.importKind === 'type' || node.exportKind === 'type',
        names: node.specifiers?.map(nameOf) ?? ['*'],
      });
      if (why !== undefined) context.report({ node: node.source, message: why });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};

/** The name in the other file: `a` of `import { a as b }` and of `export { a as b } from`. */
function nameOf(specifier) {
  const name = specifier.type === 'ExportSpecifier' ? specifier.local : specifier.imported;
  return name?.name ?? name?.value ?? '*';
}

const namedExports = {
  create: (context) => ({
    ExportDefaultDeclaration: (node) => context.report({ node, message: 'Named exports only.' }),
  }),
};

// The linter asks for a default export.
export default { meta: { name: 'countersign' }, rules: { arrows, 'named-exports': namedExports } };
