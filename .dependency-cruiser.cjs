/**
 * The folder rule: machines <- src/contract <- actors <- src <- tools <- test. A folder imports only from folders to its left,
 * and inside src the adapters implement ports and never meet each other.
 */

const adapters = ['nats', 'postgres', 'memory', 'http'];

/** What runs where only `npm ci --omit=dev` was run: the node, and `corral`. The page is bundled before. */
const product = '^(machines|actors|src/(?!page/)|tools/(corral\\.ts$|cli/|conform/|doctor/|replay/|warden/))';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one file, or hide a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nobody imports and that starts nothing is dead.',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: ['^test/', '^tools/[^/]+\\.ts$', '^src/page/main\\.tsx$', '\\.d\\.ts$', '^[^/]+$'],
      },
      to: {},
    },
    {
      name: 'nothing-unresolved',
      comment: 'Every import names a file or an installed package.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'machines-import-only-what-describes',
      comment:
        'A machine is a description: the state chart library and the schema library, nothing that acts.',
      severity: 'error',
      from: { path: '^machines/' },
      to: { pathNot: ['^machines/', '^node_modules/(xstate|@sinclair/typebox)/'] },
    },
    {
      name: 'the-contract-rests-on-machines',
      comment:
        'What is told to others is described once, by the schema library; whoever decides, keeps or tells it looks here.',
      severity: 'error',
      from: { path: '^src/contract/' },
      to: { pathNot: ['^src/contract/', '^machines/', '^node_modules/@sinclair/typebox/'] },
    },
    {
      name: 'actors-import-only-machines',
      comment:
        'A twin decides from its arguments alone: no library, no built-in module; of the contract only the types.',
      severity: 'error',
      from: { path: '^actors/' },
      to: { pathNot: ['^actors/', '^machines/', '^src/contract/'] },
    },
    {
      name: 'actors-take-types-of-the-contract',
      comment: 'A schema has no place in a decision.',
      severity: 'error',
      from: { path: '^actors/' },
      to: { path: '^src/contract/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'src-imports-only-to-its-left',
      comment: 'The product does not know the tools that drive it, nor the tests that watch it.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(tools|test)/' },
    },
    {
      name: 'tools-import-no-tests',
      comment: 'A tool that needs a test needs something that belongs into a tool.',
      severity: 'error',
      from: { path: '^tools/' },
      to: { path: '^test/' },
    },
    ...adapters.map((adapter) => ({
      name: `${adapter}-meets-no-other-adapter`,
      comment:
        'Adapters implement ports of src/runtime/ports.ts; they are put together in src/app/app.ts only.',
      severity: 'error',
      from: { path: `^src/${adapter}/` },
      to: { path: `^src/(${adapters.filter((other) => other !== adapter).join('|')})/` },
    })),
    {
      name: 'the-page-knows-only-http',
      comment:
        'The page runs in a browser and asks over HTTP like anybody else: nothing of the node is bundled into it.',
      severity: 'error',
      from: { path: '^src/page/' },
      to: { pathNot: ['^src/page/', '^node_modules/(preact|uplot)/'] },
    },
    {
      name: 'nobody-imports-the-page',
      comment: 'The page is built and served as files; only its own tests look into it.',
      severity: 'error',
      from: { pathNot: '^(src/page|test/unit/page)/' },
      to: { path: '^src/page/' },
    },
    {
      name: 'runtime-and-wire-know-no-adapter',
      comment: 'The runtime speaks to ports; what stands behind them is decided outside.',
      severity: 'error',
      from: { path: '^src/(runtime|wire)/' },
      to: { path: `^src/(${adapters.join('|')})/` },
    },
    {
      name: 'wire-knows-no-runtime',
      comment: 'What both speak of is in src/contract; src/wire reads and writes it.',
      severity: 'error',
      from: { path: '^src/wire/' },
      to: { path: '^src/(runtime|history)/' },
    },
    {
      name: 'parts-know-no-app',
      comment: 'src/app/ puts the parts of a node together; no part knows what it is put into.',
      severity: 'error',
      from: { path: '^src/(?!app/)' },
      to: { path: '^src/app/' },
    },
    {
      name: 'the-product-needs-no-tool-of-development',
      comment:
        'npm start, the bench, the build of the page and of the docs take packages that production does not install.',
      severity: 'error',
      from: { path: product },
      to: {
        path: '^tools/(bench|docs|page|start)/|^tools/(bench|build-page|docs|start)\\.ts$|^tools/dev/postgres-',
      },
    },
    {
      name: 'no-development-packages-in-the-product',
      comment: 'What production runs must be among the dependencies.',
      severity: 'error',
      from: { path: product },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(\\.cache|\\.corral|coverage|dist)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
};
