import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { allTargets } from './targets/all-targets.ts';
import { runWatched, type WatchedReport } from './watched.ts';

const MS_PER_MINUTE = 60_000;
const SEED_MAX = 2 ** 31;

/**
 * `npm run fuzz -- [--minutes 10] [--target NAME] [--seed N] [--case N]`: the minutes are shared by the targets, and
 * `--case` replays one case of one seed. Exits with 1 where a case failed.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(randomInt(SEED_MAX)) },
    case: { type: 'string' },
  },
});
const names = allTargets()
  .map(({ name }) => name)
  .filter((name) => values.target === undefined || name === values.target);
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const firstCase = Number(values.case ?? 0);
if (names.length === 0 || !(minutes > 0) || !Number.isSafeInteger(seed) || !Number.isSafeInteger(firstCase)) {
  console.error(
    `Targets: ${allTargets()
      .map(({ name }) => name)
      .join(', ')}. Minutes and seed are numbers.`,
  );
  process.exitCode = 2;
} else {
  await fuzzAll();
}

async function fuzzAll(): Promise<void> {
  console.log(`seed ${seed}`);
  for (const target of names) {
    const durationMs = (minutes * MS_PER_MINUTE) / names.length;
    const casesMax = values.case === undefined ? Number.POSITIVE_INFINITY : 1;
    const report = await runWatched({ target, seed, firstCase, casesMax, durationMs });
    print(report);
    if (report.failure !== undefined) process.exitCode = 1;
  }
}

function print({ target, cases, durationMs, failure }: WatchedReport): void {
  const rate = Math.round(cases / (durationMs / 1000));
  console.log(`${target.padEnd(16)} ${String(cases).padStart(9)} cases ${String(rate).padStart(7)}/s`);
  if (failure === undefined) return;
  console.log(`  FAILED: --target ${target} --seed ${seed} --case ${failure.caseNumber}`);
  console.log(`  smallest input: ${JSON.stringify(failure.input)}`);
  console.log(`  ${failure.error.replaceAll('\n', '\n  ')}`);
}
