import type { Reporter, SerializedError, TestModule } from 'vitest/node';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Ends a run with one line, `N passed, N failed, N skipped`, and fails a run that proves nothing.
 *
 * A file that did not load and an error outside of any test each count as one failure, and so does a run
 * without tests: a green run always means that something ran.
 */
export class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const counts = countTests(modules, unhandledErrors.length);
    if (counts.failed > 0) process.exitCode = 1;
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  }
}

function countTests(modules: readonly TestModule[], unhandledErrorsCount: number): Counts {
  const counts: Counts = { passed: 0, failed: unhandledErrorsCount, skipped: 0 };
  for (const module of modules) {
    if (module.errors().length > 0) counts.failed += 1;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      counts[state === 'pending' ? 'failed' : state] += 1;
    }
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length > 0) counts.failed += 1;
    }
  }
  if (counts.passed + counts.failed === 0) counts.failed = 1;
  return counts;
}
