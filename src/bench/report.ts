import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Turn } from './drive.ts';
import type { Target } from './target.ts';
import type { Workload } from './workload.ts';

/** A turn, and the processor time that it took: of the server, where that is known, and of the load generator. */
export interface MeasuredTurn extends Turn {
  readonly serverCpuMs: number | undefined;
  readonly generatorCpuMs: number;
}

/** Milliseconds of one operation, over all turns. */
export interface Latency {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What all turns of one workload on one target came to. */
export interface Result {
  readonly workload: string;
  readonly title: string;
  readonly unit: Workload['unit'];
  readonly target: string;
  readonly clientsCount: number;
  readonly operationsCount: number;
  /** In the unit, a second: the median of the turns. */
  readonly rate: number;
  readonly latency: Latency;
  /** Processor time of one operation, in microseconds: all turns together. */
  readonly serverCpuUs: number | undefined;
  readonly generatorCpuUs: number;
  /** Its figures by those of the first target; 1 for that one itself. */
  readonly ratios: { readonly rate: number; readonly serverCpu: number | undefined };
}

/** How often a server asks for stable storage for one operation, with one client; or why that is not known. */
export interface SyncCount {
  readonly target: string;
  readonly workload: string;
  readonly syncsPerOperation: number | undefined;
  readonly reason?: string | undefined;
}

export interface BenchReport {
  /** ISO 8601, in UTC. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly rounds: number;
  /** How many went before them and do not count. */
  readonly warmUpRounds: number;
  /** Of the machine, over the last minute, before and after. */
  readonly loads: readonly [before: string, after: string];
  readonly coresCount: number;
  readonly targets: readonly { readonly name: string; readonly endpoint: string }[];
  readonly results: readonly Result[];
  readonly syncs: readonly SyncCount[];
}

/** Sums the turns of one workload on one target up. `first` is the result of the first target. */
export function summarize(
  turns: readonly MeasuredTurn[],
  { workload, target, clientsCount }: { workload: Workload; target: Target; clientsCount: number },
  first: Result | undefined,
): Result {
  const operationsCount = sum(turns.map((turn) => turn.operationsCount));
  const rate = median(turns.map((turn) => (turn.amount * 1000) / turn.elapsedMs));
  const cpuUs = (times: readonly number[]) => (sum(times) * 1000) / Math.max(1, operationsCount);
  const serverTimes = turns.flatMap(({ serverCpuMs }) => (serverCpuMs === undefined ? [] : [serverCpuMs]));
  const serverCpuUs = serverTimes.length === turns.length ? cpuUs(serverTimes) : undefined;
  return {
    workload: workload.name,
    title: workload.title,
    unit: workload.unit,
    target: target.name,
    clientsCount,
    operationsCount,
    rate,
    latency: latencyOf(turns.map((turn) => turn.latenciesUs)),
    serverCpuUs,
    generatorCpuUs: cpuUs(turns.map((turn) => turn.generatorCpuMs)),
    ratios: {
      rate: first === undefined ? 1 : rate / first.rate,
      serverCpu: serverCpuRatio(serverCpuUs, first),
    },
  };
}

/** The middle one; of two in the middle their mean. 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (lower + upper) / 2;
}

/** Percentiles of all that was recorded, to three digits. */
export function latencyOf(latenciesUs: readonly RecordableHistogram[]): Latency {
  const all = createHistogram();
  for (const each of latenciesUs) all.add(each);
  const percentileMs = (percentile: number) => all.percentile(percentile) / 1000;
  return { p50Ms: percentileMs(50), p90Ms: percentileMs(90), p99Ms: percentileMs(99), maxMs: all.max / 1000 };
}

function serverCpuRatio(serverCpuUs: number | undefined, first: Result | undefined): number | undefined {
  if (serverCpuUs === undefined) return undefined;
  if (first === undefined) return 1;
  return first.serverCpuUs === undefined || first.serverCpuUs === 0 ? undefined : serverCpuUs / first.serverCpuUs;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
