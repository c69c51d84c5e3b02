/**
 * The typed lint of the house. Beyond typescript-eslint's strict rules it holds the rules that only make sense
 * here: where time, chance and I/O may enter, and how large a file and a function may grow.
 */
import tseslint from 'typescript-eslint';

/** Folders whose code must be a function of its arguments, so that a simulation can repeat it exactly. */
const deterministicFiles = ['machines/**/*.ts', 'actors/**/*.ts', 'src/wire/**/*.ts', 'src/runtime/**/*.ts'];

const sizedFiles = ['machines/**/*.ts', 'actors/**/*.ts', 'src/**/*.{ts,tsx}', 'tools/**/*.ts'];

const throughAPort = 'Time, chance and I/O enter through a port (src/runtime/ports.ts) or as an argument.';

const throughPrint =
  'People look at what is written, and strangers wrote it: it goes through tools/cli/print.ts, which makes it visible.';

const throughListen =
  'Listen through src/nats/listen.ts: what is thrown while a message is read or handled would end the read loop of the connection.';

/** A literal spread into a literal only hides how long a line is, and from the compiler that a property is given twice. */
const spreadLiterals = ['ObjectExpression', 'ArrayExpression'].map((literal) => ({
  selector: `${literal} > SpreadElement > ${literal}`,
  message: 'Write the properties, or elements, themselves.',
}));

const ambientGlobals = [
  'process',
  'performance',
  'crypto',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
];

const ambientModules = [
  'timers',
  'timers/promises',
  'process',
  'perf_hooks',
  'fs',
  'fs/promises',
  'os',
  'net',
  'http',
];

export default tseslint.config(
  { ignores: ['node_modules/', '.cache/', '.corral/', 'coverage/', 'dist/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-warning-comments': 'error',
      'no-param-reassign': 'error',
      'object-shorthand': 'error',
      'prefer-template': 'error',
      'no-restricted-syntax': ['error', ...spreadLiterals],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // Memory adapters implement asynchronous ports without having anything to wait for.
      '@typescript-eslint/require-await': 'off',
      // Both have their place: an interface for a port, a type for a union and for what a schema infers.
      '@typescript-eslint/consistent-type-definitions': 'off',
    },
  },
  {
    files: sizedFiles,
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true, IIFEs: true }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
    },
  },
  {
    files: [
      'machines/**/*.ts',
      'actors/**/*.ts',
      'src/**/*.{ts,tsx}',
      'tools/**/*.ts',
      'test/{simulation,storm}/**/!(*.test).ts',
    ],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['src/**/*.{ts,tsx}', 'tools/**/*.ts', 'test/{simulation,storm}/**/*.ts'],
    ignores: ['src/app/main.ts', 'tools/cli/print.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...['stdout', 'stderr'].map((property) => ({ object: 'process', property, message: throughPrint })),
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: ['process', 'node:process', 'console', 'node:console'].map((name) => ({
            name,
            message: throughPrint,
          })),
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts', 'tools/**/*.ts'],
    ignores: ['src/nats/listen.ts', 'src/page/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...spreadLiterals,
        { selector: "CallExpression[callee.property.name='subscribe']", message: throughListen },
      ],
    },
  },
  {
    files: deterministicFiles,
    rules: {
      'no-restricted-globals': ['error', ...ambientGlobals.map((name) => ({ name, message: throughAPort }))],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: throughAPort },
        { object: 'Math', property: 'random', message: throughAPort },
        { property: 'randomUUID', message: throughAPort },
        ...ambientGlobals.map((property) => ({ object: 'globalThis', property, message: throughAPort })),
      ],
      'no-restricted-syntax': [
        'error',
        ...spreadLiterals,
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: throughAPort },
        { selector: "CallExpression[callee.name='Date']", message: throughAPort },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...ambientModules
              .flatMap((name) => [name, `node:${name}`])
              .map((name) => ({ name, message: throughAPort })),
            {
              name: 'node:crypto',
              importNames: [
                'randomUUID',
                'randomBytes',
                'randomInt',
                'getRandomValues',
                'randomFillSync',
                'webcrypto',
              ],
              message: throughAPort,
            },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
