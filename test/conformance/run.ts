import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startServeProcess } from '../support/serve-process.ts';
import { type AreaVerdict, type CaseResult, findStray, judge, parseAreas, parseExpected } from './lists.ts';
import { runCases, type Suite, serverConfiguration, suiteConfiguration } from './suite.ts';

/**
 * Runs the cases of a checkout of ceph/s3-tests that `areas.txt` lists against `pithos serve`, on the embedded engine
 * or on the Cassandra cluster that is named (in a keyspace that stays behind), and holds them against `expected.txt`.
 * With `--area`, once for each, only those of these areas. Exits with 1 when a case fails that is not listed there, or
 * passes although it is, or does not exist, and when the server logs a warning or an error.
 *
 * Usage: npm run conformance -- --suite <checkout of ceph/s3-tests> --venv <virtual environment>
 *   [--cassandra <nodes>] [--area <name>]
 */

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** Counts the buckets of its account, so it runs while there are no others. */
const ALONE = 'test_s3.py::test_list_buckets_paginated';

/** A line of the server's log that is a warning or worse: of an answer with 500, or of a worker process that ended. */
const COMPLAINT = /^[\d:.]+ (?:warn|error) /m;

const { values } = parseArgs({
  options: {
    suite: { type: 'string' },
    venv: { type: 'string' },
    cassandra: { type: 'string' },
    area: { type: 'string', multiple: true },
  },
});
if (values.suite === undefined || values.venv === undefined) {
  console.error(
    'Usage: npm run conformance -- --suite <checkout> --venv <virtual environment> [--cassandra <nodes>] [--area <name>]',
  );
  process.exitCode = 2;
} else {
  process.exitCode = await run({ checkout: resolve(values.suite), venv: resolve(values.venv) });
}

async function run(places: Pick<Suite, 'checkout' | 'venv'>): Promise<number> {
  const all = parseAreas(await readList('areas.txt'));
  const expected = parseExpected(await readList('expected.txt'));
  const areas = values.area === undefined ? all : all.filter(({ name }) => values.area?.includes(name));
  const ids = areas.flatMap(({ caseIds }) => caseIds);
  const { results, complaints } = await runAll(places, ids);
  const verdicts = judge(areas, expected, results);
  const stray = findStray(all, expected).map((id) => `${id} is expected to fail, but stands in no area.`);
  const problems = [...verdicts.flatMap((verdict) => verdict.problems), ...stray];
  console.log(table(verdicts));
  for (const problem of problems) console.log(`- ${problem}`);
  if (complaints !== '') console.log(`The server had something to complain of:\n${complaints}`);
  return problems.length === 0 && complaints === '' ? 0 : 1;
}

function readList(name: string): Promise<string> {
  return readFile(new URL(name, import.meta.url), 'utf8');
}

/** Starts a server, runs the suite against it, and removes everything again. `complaints`: its log, where it warned. */
async function runAll(
  places: Pick<Suite, 'checkout' | 'venv'>,
  ids: readonly string[],
): Promise<{ readonly results: ReadonlyMap<string, CaseResult>; readonly complaints: string }> {
  const scratch = await mkdtemp(join(tmpdir(), 'pithos-conformance-'));
  try {
    const pithosFile = join(scratch, 'pithos.yaml');
    await writeFile(pithosFile, serverConfiguration());
    await using server = await startServeProcess({
      directory: join(scratch, 'data'),
      args: ['--config', pithosFile, '--log-level', 'warn', '--log-format', 'pretty', ...clusterArguments()],
    });
    const configurationFile = join(scratch, 's3tests.conf');
    await writeFile(configurationFile, suiteConfiguration(server));
    const suite = { ...places, scratch, configurationFile };
    const alone = await runCases(
      suite,
      ids.filter((id) => id === ALONE),
      { parallel: false },
    );
    const others = ids.filter((id) => id !== ALONE);
    const results = new Map([...alone, ...(await runCases(suite, others, { parallel: true }))]);
    return { results, complaints: COMPLAINT.test(server.output()) ? server.output() : '' };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Puts the stores on the cluster that was named, in a keyspace that is made for this run. */
function clusterArguments(): readonly string[] {
  if (values.cassandra === undefined) return [];
  const args = ['--cassandra', values.cassandra, '--keyspace', `conformance_${Date.now()}`];
  execFileSync(process.execPath, [MAIN, 'install-schema', ...args], { stdio: 'inherit' });
  return args;
}

function table(verdicts: readonly AreaVerdict[]): string {
  const total = {
    name: 'all',
    casesCount: sum(verdicts, (verdict) => verdict.casesCount),
    passedCount: sum(verdicts, (verdict) => verdict.passedCount),
    expectedCount: sum(verdicts, (verdict) => verdict.expectedCount),
    problems: verdicts.flatMap((verdict) => verdict.problems),
  };
  const lines = [...verdicts, total].map(({ name, casesCount, passedCount, expectedCount, problems }) =>
    [name.padEnd(22), ...[casesCount, passedCount, expectedCount, problems.length].map(column)].join(''),
  );
  return ['area                     cases   passed expected problems', ...lines].join('\n');
}

function column(count: number): string {
  return String(count).padStart(9);
}

function sum(verdicts: readonly AreaVerdict[], count: (verdict: AreaVerdict) => number): number {
  return verdicts.reduce((total, verdict) => total + count(verdict), 0);
}
