import { join } from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { CountsReporter } from './test/support/reporter.ts';

// Tests start `pithos` some hundred times, each from its sources: what Node made of them is kept between the starts.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '.cache/compiled');

/** Tests that need a cluster, whatever kind they are. */
const ON_CASSANDRA = '**/*.cassandra.test.ts';

/** Tests of what comes before any store: they bring stores in memory and directories of their own. */
const OF_THE_FRONT = [
  'test/s3/{http,security}-*.test.ts',
  'test/s3/{acl,auth-matrix,cors,hand-broken-requests,masquerade,post-object,proxies,put-bucket-policy,sigv2}.test.ts',
];
/** Clients and proxies that say nothing to a store which the others do not, and take minutes. */
const ON_ONE_ENGINE = 'test/clients/{browser,curl,go-sdk,hadoop,java-sdk,mc,nginx,original,parquet,s3fs}.test.ts';

/**
 * The kinds of tests, in the order they run. `npm run check` runs the first two, `npm run test:embedded` all that need
 * no cluster, `npm test` all.
 * A test file that belongs to none of them is caught by `test/tidy/tree.test.ts`.
 */
const PROJECTS = [
  {
    name: 'unit',
    include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'test/{conformance,policy,support,tidy}/*.test.ts'],
    timeoutMs: 30_000,
  },
  { name: 'contract', include: ['test/{contract,model}/**/*.test.ts'], timeoutMs: 60_000 },
  {
    name: 's3',
    include: ['test/{s3,server,cli}/**/*.test.ts', 'examples/**/*.test.ts'],
    timeoutMs: 60_000,
    setup: ['./test/cli/install-shells.ts'],
  },
  { name: 'fuzz', include: ['test/fuzz/*.test.ts'], timeoutMs: 120_000 },
  { name: 'fault', include: ['test/{fault,history}/**/*.test.ts'], timeoutMs: 600_000 },
  { name: 'clients', include: ['test/clients/*.test.ts'], timeoutMs: 300_000, setup: ['./test/clients/install.ts'] },
  { name: 'package', include: ['test/package/*.test.ts'], timeoutMs: 300_000 },
  {
    name: 'cassandra',
    include: ['test/{contract,cli,history}/**/*.cassandra.test.ts', 'src/**/*.cassandra.test.ts'],
    timeoutMs: 300_000,
    setup: ['./test/support/cassandra-setup.ts'],
  },
  // What clients see must not depend on the engine: the same files, over a cluster, but for those that no engine changes.
  {
    name: 'cassandra-s3',
    include: ['test/{s3,server}/**/*.test.ts', 'test/clients/*.test.ts'],
    timeoutMs: 300_000,
    setup: ['./test/support/cassandra-setup.ts', './test/clients/install.ts'],
    exclude: [...OF_THE_FRONT, ON_ONE_ENGINE],
    engine: 'cassandra',
  },
  // Three nodes each: one at a time.
  { name: 'cassandra-fault', include: ['test/fault/**/*.cassandra.test.ts'], timeoutMs: 1_200_000, workers: 1 },
] as const;

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', new CountsReporter()],
    projects: PROJECTS.map(toProject),
  },
});

function toProject(kind: (typeof PROJECTS)[number], index: number): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name: kind.name,
      include: [...kind.include],
      exclude: [
        ...('exclude' in kind ? kind.exclude : []),
        ...(kind.name.startsWith('cassandra') ? [] : [ON_CASSANDRA]),
      ],
      testTimeout: kind.timeoutMs,
      hookTimeout: kind.timeoutMs,
      sequence: { groupOrder: index },
      ...('setup' in kind ? { globalSetup: [...kind.setup] } : {}),
      ...('workers' in kind ? { maxWorkers: kind.workers } : {}),
      ...('engine' in kind ? { env: { PITHOS_TEST_ENGINE: kind.engine } } : {}),
    },
  };
}
