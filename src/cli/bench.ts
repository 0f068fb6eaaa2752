import { type FileHandle, open } from 'node:fs/promises';
import { Command } from 'commander';
import { startOwnPithos } from '../bench/own-pithos.ts';
import { plotOf } from '../bench/plot.ts';
import type { BenchReport } from '../bench/report.ts';
import { type BenchPlan, runBench } from '../bench/run-bench.ts';
import { tableOf } from '../bench/table.ts';
import { type Target, TargetError } from '../bench/target.ts';
import { bareEnvironment } from '../config/bare-environment.ts';
import { readSourceEnvironment } from '../config/source-key.ts';
import { printable } from '../observe/printable.ts';
import { systemClock } from '../server.ts';
import { type BenchFlags, parsePlan, parseTargets } from './bench-flags.ts';
import type { CommandContext } from './command-context.ts';
import { CommandError, EXIT } from './exit-code.ts';

const HELP = `
Without an endpoint it starts a Pithos of its own, with its defaults, in a temporary directory. With endpoints it measures
those side by side, in turns; ratios are to the first. An endpoint is NAME=URL[,pid=N][,region=NAME][,key=ID:SECRET]:
pid is its process on this machine, for its CPU and syncs (Linux); a key that is not given comes from AWS_ACCESS_KEY_ID
and AWS_SECRET_ACCESS_KEY.

Each run works in a bucket of its own on each endpoint, which it deletes afterwards, also when it is interrupted or fails.
All bodies that are read are compared with what was written, and all listings key by key.

Workloads: put, get (4k, 64k, 1m, 64m), mixed-4k (7 of 10 are gets), delete-4k, multipart (2 parts of 5 MiB), list (flat,
deep, delimiter). put selects all puts, put-4k one. Syncs are counted by strace, where it is there.

Exit codes: 0 measured; 1 a server answered wrongly, or a bucket could not be deleted; 2 could not run.`;

/** `pithos bench`: measures S3 servers, side by side. */
export function benchCommand(context: CommandContext): Command {
  return new Command('bench')
    .description('measure the throughput, latency and CPU of this Pithos, or of any S3 servers side by side')
    .option('--endpoint <name=url>', 'a server to measure; may be given again', collect)
    .option('--workloads <names>', 'what to measure: put-4k,get,list (default: all)')
    .option('--seconds <number>', 'how long each workload runs on each server in a round', '5')
    .option('--rounds <count>', 'how often all of it is repeated', '3')
    .option('--warm-up <count>', 'rounds before those, which do not count', '1')
    .option('--concurrency <count>', 'connections at one time (default: 4 to 32, by the workload)')
    .option('--list-keys <counts>', 'how many keys listings are over: 1000,100000,1000000', '1000')
    .option('--no-syncs', 'do not count syncs')
    .option('--json <file>', 'write all figures there')
    .option('--plot <file>', 'draw them there, as SVG')
    .addHelpText('after', HELP)
    .action(async (flags: BenchFlags) => {
      const plan = parsePlan(flags);
      await using json = await openOutput('--json', flags.json);
      await using plot = await openOutput('--plot', flags.plot);
      const report = await orTell(measure(plan, flags, context), context);
      if (report === undefined) return;
      context.terminal.print(`${tableOf(report)}`);
      await json.handle?.writeFile(`${JSON.stringify(report, null, 2)}\n`);
      await plot.handle?.writeFile(plotOf(report));
    });
}

async function measure(
  plan: Omit<BenchPlan, 'targets'>,
  { endpoint = [] }: BenchFlags,
  context: CommandContext,
): Promise<BenchReport> {
  const given = parseTargets(endpoint, readSourceEnvironment().key);
  if (given.length > 0) return await run(plan, given, context);
  const program = process.argv[1] ?? '';
  await using own = await startOwnPithos({ program, environment: bareEnvironment(), signal: context.stop });
  return await run(plan, [own.target], context);
}

async function run(
  plan: Omit<BenchPlan, 'targets'>,
  targets: readonly Target[],
  { terminal, stop, kill, exitWith }: CommandContext,
): Promise<BenchReport> {
  return await runBench(
    { ...plan, targets },
    {
      signal: stop,
      kill,
      clock: systemClock,
      onProgress(step) {
        if (terminal.isTerminal) terminal.complain(step);
      },
      onLeftover(problem) {
        terminal.complain(`pithos: ${printable(problem)}`);
        exitWith(EXIT.found);
      },
    },
  );
}

/** A wrong answer is what a bench may find; a server that is not there is a mistake. */
async function orTell(
  report: Promise<BenchReport>,
  { terminal, stop, exitWith }: CommandContext,
): Promise<BenchReport | undefined> {
  try {
    return await report;
  } catch (error) {
    if (!(error instanceof TargetError) || stop.aborted) throw error;
    if (error.kind === 'unreachable') throw new CommandError(error.message, { cause: error });
    terminal.complain(`pithos: ${printable(error.message)}`);
    exitWith(EXIT.found);
    return undefined;
  }
}

interface Output extends AsyncDisposable {
  readonly handle: FileHandle | undefined;
}

/** Opened before anything is measured: a file that cannot be written is told at once. */
async function openOutput(flag: string, path: string | undefined): Promise<Output> {
  if (path === undefined) return { handle: undefined, [Symbol.asyncDispose]: async () => undefined };
  try {
    const handle = await open(path, 'w');
    return { handle, [Symbol.asyncDispose]: () => handle.close() };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`${flag} cannot be written: ${reason}`, { cause });
  }
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
