import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { mayUseNode, rooms, wrongArrow } from './test/architecture/arrows.ts';

/** Shows a wrong import arrow where it is written; `test/architecture/` holds the same table without mercy. */
const arrows = {
  meta: { type: 'problem', schema: [], messages: { wrong: '{{ why }}' } },
  create(context) {
    const from = context.filename.slice(import.meta.dirname.length + 1).replaceAll('\\', '/');
    const check = (node) => {
      if (typeof node.source?.value !== 'string') return;
      const why = wrongArrow({
        from,
        specifier: node.source.value,
        typeOnly: node.importKind === 'type' || node.exportKind === 'type',
        names: node.specifiers?.map(nameOf) ?? ['*'],
      });
      if (why !== undefined) context.report({ node: node.source, messageId: 'wrong', data: { why } });
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

const noDefaultExport = { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' };
const nodeGlobals = ['process', 'Buffer', '__dirname', '__filename', 'require'];

export default defineConfig(
  { ignores: ['dist/', 'coverage/', 'node_modules/', 'test/vectors/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { countersign: { rules: { arrows } } },
    rules: {
      'countersign/arrows': 'error',
      'no-restricted-syntax': ['error', noDefaultExport],
      'no-eval': 'error',
      'no-implied-eval': 'off', // the typed rule of the same name is on
      'no-new-func': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
      complexity: ['error', 20],
      'max-depth': ['error', 4],
      'max-lines': ['error', 400],
      // A function that makes an object counts with all of that object's methods.
      'max-lines-per-function': ['error', { max: 120, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // `noUncheckedIndexedAccess` makes `bytes[i]!` the plain way to index below a checked length.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Ports are objects that functions make, not instances of classes: there is no `this` to lose.
      '@typescript-eslint/unbound-method': 'off',
      // It takes `Promise.withResolvers<void>()` for a mistake.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // There are no enums here to be careful with (`erasableSyntaxOnly`), and looking for them is slow.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // It compares the shapes of every assignment, a fifth of all the time, and takes an `Error` in a list for a mistake.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // A port that promises stays async where one of its stores has nothing to wait for: its throws must be rejections.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**'],
    rules: { 'no-console': 'error' },
  },
  {
    name: 'what must also run on Workers',
    files: Object.keys(rooms).map((room) => `src/${room}/**`),
    ignores: [(file) => mayUseNode(file.slice(import.meta.dirname.length + 1).replaceAll('\\', '/'))],
    rules: { 'no-restricted-globals': ['error', ...nodeGlobals] },
  },
  {
    files: ['test/**', 'bench/**', 'examples/**'],
    rules: {
      // A describe block is a chapter, not a function.
      'max-lines-per-function': 'off',
      // Tests take parsed JSON apart; what they find is asserted, not trusted.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      // Vectors are taken apart by code point on purpose.
      '@typescript-eslint/no-misused-spread': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs}', '*.config.ts'],
    ...tseslint.configs.disableTypeChecked,
  },
  {
    files: ['*.config.{js,ts}'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
