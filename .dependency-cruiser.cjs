// The floors of ARCHITECTURE.md: a folder imports only from floors below its own.
const floors = [
  ['util', 'wasm'],
  ['x86', 'abi'],
  ['isa'],
  ['cpu'],
  ['machine', 'image'],
  ['boot', 'hypervisor'],
  ['symbols', 'paravirt'],
  ['debugger'],
  ['adapter', 'linker-script'],
  ['extension', 'webview', 'cli', 'platform'],
];

/** Everything a floor may not see: the floors above it, and its neighbours where the design keeps them apart. */
const upward = floors.flatMap((folders, floor) => {
  const above = floors.slice(floor + 1).flat();
  return above.length === 0
    ? []
    : [
        {
          name: `floor-${floor + 1}-imports-upward`,
          severity: 'error',
          from: { path: `^src/(${folders.join('|')})/` },
          to: { path: `^src/(${above.join('|')})/` },
        },
      ];
});

module.exports = {
  forbidden: [
    ...upward,
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'vscode-only-in-extension',
      severity: 'error',
      from: { pathNot: '^src/extension/' },
      to: { path: '^vscode$' },
    },
    {
      name: 'node-only-at-the-edges',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(platform/node|cli)/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'wasm-knows-nothing-of-x86',
      severity: 'error',
      from: { path: '^src/(util|wasm)/' },
      to: { path: '^src/(?!util|wasm)' },
    },
    { name: 'image-does-not-load', severity: 'error', from: { path: '^src/image/' }, to: { path: '^src/machine/' } },
    {
      name: 'symbols-know-no-machine',
      severity: 'error',
      from: { path: '^src/symbols/' },
      to: { path: '^src/(machine|cpu|boot|hypervisor)/' },
    },
    {
      name: 'debugger-without-dap',
      severity: 'error',
      from: { path: '^src/debugger/' },
      to: { path: 'debugprotocol|debugadapter' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
