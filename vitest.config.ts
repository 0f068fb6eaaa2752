import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { CountsReporter } from './test/support/reporter.ts';

/**
 * The kinds of tests, in the order they run. `npm run check` runs the first two; `npm test` runs all.
 * A test file that belongs to none of them is caught by `test/tidy/tree.test.ts`.
 */
const PROJECTS = [
  { name: 'unit', include: ['src/**/*.test.ts', 'test/{conformance,support,tidy}/*.test.ts'], timeoutMs: 30_000 },
  { name: 'contract', include: ['test/contract/**/*.test.ts'], timeoutMs: 60_000 },
  { name: 's3', include: ['test/{s3,server,cli}/**/*.test.ts', 'examples/*.test.ts'], timeoutMs: 60_000 },
  { name: 'fault', include: ['test/{fault,history}/**/*.test.ts'], timeoutMs: 600_000 },
  { name: 'clients', include: ['test/clients/*.test.ts'], timeoutMs: 300_000, setup: './test/clients/install.ts' },
  { name: 'package', include: ['test/package/*.test.ts'], timeoutMs: 300_000 },
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
      testTimeout: kind.timeoutMs,
      hookTimeout: kind.timeoutMs,
      sequence: { groupOrder: index },
      ...('setup' in kind ? { globalSetup: kind.setup } : {}),
    },
  };
}
