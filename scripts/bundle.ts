/**
 * Joins what `tsc` has written to `dist` into few files, `npm run build`: to find and read three hundred modules took each
 * process of a server longer than all else at its start.
 *
 * What others import by name (`exports` of package.json) stays where it is, and is one module with what the program uses:
 * a `StoreError` that a store of somebody else throws is ours.
 */
import { globSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const DIST = 'dist';
/** Modules that keep their own file, below `dist`: exports, the program, and what reads files that lie beside it. */
const ENTRIES = [
  'src/{main,start-server,vitest}.js',
  'src/{stores,domain}/**/*.js',
  'src/cli/program.js',
  'test/contract/*.js',
];

const modules = globSync('**/*.js', { cwd: DIST });
const entries = globSync(ENTRIES, { cwd: DIST });
const bundle = await rolldown({
  input: Object.fromEntries(entries.map((entry) => [entry.replace(/\.js$/, ''), join(DIST, entry)])),
  platform: 'node',
  external: (id) => !id.startsWith('.') && !id.startsWith('/'),
});
const { output } = await bundle.generate({
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'src/[name]-[hash].js',
  codeSplitting: {
    groups: [
      { name: 'domain', test: /\/dist\/src\/domain\// },
      { name: 'stores', test: /\/dist\/src\/stores\/(?:rows\/)?[^/]+\.js$/ },
      { name: 'embedded', test: /\/dist\/src\/stores\/embedded\// },
      { name: 'cassandra', test: /\/dist\/src\/stores\/cassandra\/(?!migrations\.js)/ },
      { name: 'memory', test: /\/dist\/src\/stores\/memory\// },
    ],
  },
});
for (const file of modules) await rm(join(DIST, file));
for (const file of output) {
  if (file.type === 'chunk') await writeFile(join(DIST, file.fileName), file.code);
}
