import { globSync } from 'node:fs';
import { defineConfig } from 'oxlint';
import { mayUseNode } from './test/architecture/arrows.ts';

/** What must also run on Workers. */
const neutral = globSync('src/**/*.ts', { cwd: import.meta.dirname }).filter((file) => !mayUseNode(file));

/** Promises nobody waits for, and what `any` would let through. */
const needTypes = [
  'await-thenable',
  'no-array-delete',
  'no-base-to-string',
  'no-deprecated',
  'no-duplicate-type-constituents',
  'no-floating-promises',
  'no-for-in-array',
  'no-generated-empty-object-type',
  'no-implied-eval',
  'no-meaningless-void-operator',
  'no-misused-promises',
  'no-misused-spread',
  'no-mixed-enums',
  'no-redundant-type-constituents',
  'no-unnecessary-boolean-literal-compare',
  'no-unnecessary-template-expression',
  'no-unnecessary-type-arguments',
  'no-unnecessary-type-assertion',
  'no-unnecessary-type-conversion',
  'no-unnecessary-type-parameters',
  'no-unsafe-argument',
  'no-unsafe-assignment',
  'no-unsafe-call',
  'no-unsafe-member-access',
  'no-unsafe-return',
  'no-unsafe-unary-minus',
  'no-useless-default-assignment',
  'only-throw-error',
  'prefer-promise-reject-errors',
  'prefer-reduce-type-parameter',
  'prefer-return-this-type',
  'related-getter-setter-pairs',
  'use-unknown-in-catch-callback-variable',
  'consistent-type-exports',
];

const withoutTypes = [
  'no-dynamic-delete',
  'no-empty-object-type',
  'no-explicit-any',
  'no-extraneous-class',
  'no-namespace',
  'no-non-null-asserted-nullish-coalescing',
  'no-require-imports',
  'no-unnecessary-type-constraint',
  'no-unsafe-function-type',
  'prefer-literal-enum-member',
  'unified-signatures',
];

export default defineConfig({
  plugins: ['typescript'],
  jsPlugins: ['./test/architecture/lint-rules.mjs'],
  categories: { correctness: 'error' },
  options: { typeAware: true, reportUnusedDisableDirectives: 'error' },
  ignorePatterns: ['dist/', 'coverage/', 'node_modules/', 'test/vectors/'],
  rules: {
    ...each([...needTypes, ...withoutTypes], 'error'),
    'countersign/arrows': 'error',
    'countersign/named-exports': 'error',
    'no-new-func': 'error',
    'no-var': 'error',
    'no-array-constructor': 'error',
    'no-useless-constructor': 'error',
    'object-shorthand': 'error',
    'prefer-const': 'error',
    'prefer-rest-params': 'error',
    'prefer-spread': 'error',
    eqeqeq: 'error',
    complexity: ['error', 20],
    'max-depth': ['error', 4],
    'max-lines': ['error', 400],
    // A function that makes an object counts with all of that object's methods.
    'max-lines-per-function': ['error', { max: 120, skipBlankLines: true, skipComments: true }],
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    'typescript/ban-ts-comment': ['error', { minimumDescriptionLength: 10 }],
    'typescript/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
    'typescript/switch-exhaustiveness-check': [
      'error',
      { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
    ],
    'typescript/no-confusing-void-expression': [
      'error',
      { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
    ],
    'typescript/restrict-plus-operands': [
      'error',
      {
        allowAny: false,
        allowBoolean: false,
        allowNullish: false,
        allowNumberAndString: false,
        allowRegExp: false,
      },
    ],
    'typescript/restrict-template-expressions': ['error', { allowNumber: true }],
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'typescript/no-unnecessary-condition': [
      'error',
      { allowConstantLoopConditions: 'only-allowed-literals' },
    ],
    // Ports are objects that functions make, not instances of classes: there is no `this` to lose.
    'typescript/unbound-method': 'off',
    // What is sorted is text, by code units.
    'typescript/require-array-sort-compare': 'off',
    // Control characters are looked for on purpose: where they are, somebody hides something.
    'no-control-regex': 'off',
  },
  overrides: [
    { files: ['src/**'], rules: { 'no-console': 'error' } },
    {
      files: neutral,
      rules: {
        'no-restricted-globals': ['error', 'process', 'Buffer', '__dirname', '__filename', 'require'],
      },
    },
    {
      files: ['test/**', 'bench/**', 'examples/**'],
      rules: {
        // A describe block is a chapter, not a function.
        'max-lines-per-function': 'off',
        // Tests take parsed JSON apart; what they find is asserted, not trusted. Vectors are taken apart by code point on purpose.
        ...each(
          [
            'no-unsafe-argument',
            'no-unsafe-assignment',
            'no-unsafe-call',
            'no-unsafe-member-access',
            'no-unsafe-return',
            'no-confusing-void-expression',
            'no-meaningless-void-operator',
            'no-base-to-string',
            'no-dynamic-delete',
            'no-misused-spread',
          ],
          'off',
        ),
        // What is not there fails the test.
        'no-unsafe-optional-chaining': 'off',
      },
    },
    {
      files: ['**/*.{js,mjs}', '*.config.ts'],
      rules: each(
        [
          ...needTypes,
          'no-confusing-void-expression',
          'no-unnecessary-condition',
          'restrict-plus-operands',
          'restrict-template-expressions',
          'return-await',
          'switch-exhaustiveness-check',
        ],
        'off',
      ),
    },
    // The library marks it so that it stands out; the same file says why and checks the address itself.
    { files: ['src/runtime/oauth/oauth-http.ts'], rules: { 'typescript/no-deprecated': 'off' } },
    // Tools ask for a default export.
    {
      files: ['*.config.ts', 'test/architecture/lint-rules.mjs'],
      rules: { 'countersign/named-exports': 'off' },
    },
  ],
});

function each(names: readonly string[], severity: 'error' | 'off'): Record<string, 'error' | 'off'> {
  return Object.fromEntries(names.map((name) => [`typescript/${name}`, severity]));
}
