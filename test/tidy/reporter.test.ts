import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = new URL('../..', import.meta.url).pathname;
const TEST = "import { expect, test } from 'vitest';\n";

const PASSES = `${TEST}test('holds', () => expect(1).toBe(1));\n`;
const FAILS = `${TEST}test('does not hold', () => expect(1).toBe(2));\n`;
const LEFT_OUT = `${TEST}test.skip('is left out', () => undefined);\n`;
const DOES_NOT_LOAD = `${TEST}throw new Error('at load');\n`;
const HOOK_FAILS = `import { beforeAll, test } from 'vitest';\nbeforeAll(() => { throw new Error('no server'); });\ntest('waits', () => undefined);\n`;
const REJECTS_LATER = `${TEST}test('holds', () => { void Promise.reject(new Error('late')); });\n`;

const RUNS = [
  { run: 'all tests pass', files: [PASSES, PASSES], line: '2 passed, 0 failed, 0 skipped', exitCode: 0 },
  { run: 'a test fails', files: [PASSES, FAILS], line: '1 passed, 1 failed, 0 skipped', exitCode: 1 },
  { run: 'a test is left out', files: [PASSES, LEFT_OUT], line: '1 passed, 0 failed, 1 skipped', exitCode: 0 },
  { run: 'a file does not load', files: [PASSES, DOES_NOT_LOAD], line: '1 passed, 1 failed, 0 skipped', exitCode: 1 },
  { run: 'a hook fails', files: [PASSES, HOOK_FAILS], line: '1 passed, 1 failed, 1 skipped', exitCode: 1 },
  { run: 'an error comes late', files: [REJECTS_LATER], line: '1 passed, 1 failed, 0 skipped', exitCode: 1 },
  { run: 'no test runs', files: [LEFT_OUT], line: '0 passed, 1 failed, 1 skipped', exitCode: 1 },
  { run: 'there is no file', files: [], line: '0 passed, 1 failed, 0 skipped', exitCode: 1 },
];

test.for(RUNS)('a run ends with "$line" when $run', async ({ files, line, exitCode }) => {
  const folder = await mkdtemp(join(tmpdir(), 'pithos-reporter-'));
  try {
    const reporter = JSON.stringify(join(ROOT, 'test/support/reporter.ts'));
    const settings = "{ pool: 'forks', maxWorkers: 1, reporters: [new CountsReporter()] }";
    const config = `import { CountsReporter } from ${reporter};\nexport default { test: ${settings} };\n`;
    await writeFile(join(folder, 'vitest.config.ts'), config);
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const [index, source] of files.entries()) await writeFile(join(folder, `${index}.test.ts`), source);
    const result = await runVitest(folder);
    expect(result.stdout.trimEnd().split('\n').at(-1)).toBe(line);
    expect(result.exitCode).toBe(exitCode);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

function runVitest(cwd: string): Promise<{ exitCode: number; stdout: string }> {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  return new Promise((resolve) => {
    execFile(process.execPath, [vitest, 'run'], { cwd, env: { ...process.env, CI: 'true' } }, (error, stdout) => {
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, stdout });
    });
  });
}
