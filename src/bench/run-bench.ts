import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Bodies } from './bodies.ts';
import { drive, type Operation } from './drive.ts';
import { Place } from './place.ts';
import { CAN_READ_PROCESSES, cpuMsOfTree, load } from './process-times.ts';
import { type BenchReport, type MeasuredTurn, type Result, type SyncCount, summarize } from './report.ts';
import { countSyncs, SyncsUnknown } from './syncs.ts';
import type { Target } from './target.ts';
import type { CallOptions, Workload } from './workload.ts';

/** Operations of which the syncs are counted. */
const SYNCED_OPERATIONS = 20;

export interface BenchPlan {
  readonly targets: readonly Target[];
  readonly workloads: readonly Workload[];
  /** How long a turn is. */
  readonly seconds: number;
  readonly rounds: number;
  /** Rounds before those, which do not count: servers compile what runs often, and fill caches. */
  readonly warmUpRounds: number;
  /** Connections at one time; each workload has a number of its own unless given. */
  readonly clientsCount: number | undefined;
  readonly countsSyncs: boolean;
}

export interface BenchContext extends CallOptions {
  readonly clock: { nowMs(): number };
  /** Cuts the removal of the buckets short; `signal` does not. */
  readonly kill: AbortSignal;
  readonly onProgress: (step: string) => void;
  /** A bucket could not be deleted. */
  readonly onLeftover: (problem: string) => void;
}

/**
 * Measures servers side by side: each round runs each workload on each target in turn, so that what else the machine
 * does falls on all alike; the target that comes first changes with the round. Works in a bucket of its own on each
 * target, which is gone afterwards, however this ends.
 *
 * Throws `TargetError` for the first answer that is not what it must be.
 */
export async function runBench(plan: BenchPlan, context: BenchContext): Promise<BenchReport> {
  const { targets, workloads, seconds, rounds, warmUpRounds } = plan;
  const startedAt = new Date(context.clock.nowMs()).toISOString();
  const loadBefore = load();
  await using places = new Places(context);
  await places.openAll(targets);
  for (const place of places) await fillAll(place, workloads, context);
  const turns = await runRounds([...places], plan, context);
  const results: Result[] = [];
  for (const workload of workloads) {
    const clientsCount = plan.clientsCount ?? workload.clientsCount;
    let first: Result | undefined;
    for (const target of targets) {
      const result = summarize(turns.get(turnsName(workload, target)) ?? [], { workload, target, clientsCount }, first);
      results.push(result);
      first ??= result;
    }
  }
  const syncs: SyncCount[] = [];
  if (plan.countsSyncs) {
    for (const workload of workloads.filter(({ writes }) => writes)) {
      for (const place of places) syncs.push(await syncsOf(place, workload, context));
    }
  }
  return {
    startedAt,
    seconds,
    rounds,
    warmUpRounds,
    loads: [loadBefore, load()],
    coresCount: availableParallelism(),
    targets: targets.map(({ name, url }) => ({ name, endpoint: url.href })),
    results,
    syncs,
  };
}

async function fillAll(place: Place, workloads: readonly Workload[], context: BenchContext): Promise<void> {
  for (const workload of workloads) {
    context.onProgress(`${place.target.name}: preparing ${workload.title}`);
    await workload.fill(place, context);
  }
}

async function runRounds(places: readonly Place[], plan: BenchPlan, context: BenchContext) {
  const turns = new Map<string, MeasuredTurn[]>();
  for (let round = -plan.warmUpRounds; round < plan.rounds; round++) {
    const title = round < 0 ? 'warming up' : `round ${round + 1} of ${plan.rounds}`;
    for (const workload of plan.workloads) {
      for (let index = 0; index < places.length; index++) {
        const place = places[(index + Math.abs(round)) % places.length];
        if (place === undefined) continue;
        context.onProgress(`${title}: ${workload.title}, ${place.target.name}`);
        const turn = await runTurn(place, workload, plan, context);
        const name = turnsName(workload, place.target);
        if (round >= 0) turns.set(name, [...(turns.get(name) ?? []), turn]);
      }
    }
  }
  return turns;
}

async function runTurn(
  place: Place,
  workload: Workload,
  plan: BenchPlan,
  { signal }: CallOptions,
): Promise<MeasuredTurn> {
  const { pid } = place.target;
  const operations = await workload.operations(place, { signal });
  const serverCpuMs = () => (pid === undefined || !CAN_READ_PROCESSES ? undefined : cpuMsOfTree(pid));
  const serverBeforeMs = serverCpuMs();
  const generatorBefore = process.cpuUsage();
  const turn = await drive(place, operations, {
    clientsCount: plan.clientsCount ?? workload.clientsCount,
    durationMs: plan.seconds * 1000,
    signal,
  });
  const generator = process.cpuUsage(generatorBefore);
  const serverAfterMs = serverCpuMs();
  await workload.check(place, { operationsCount: turn.operationsCount, signal });
  return {
    ...turn,
    generatorCpuMs: (generator.user + generator.system) / 1000,
    serverCpuMs:
      serverAfterMs === undefined || serverBeforeMs === undefined ? undefined : serverAfterMs - serverBeforeMs,
  };
}

/** A short pass of its own, with one client: the trace slows the server down. */
async function syncsOf(place: Place, workload: Workload, context: BenchContext): Promise<SyncCount> {
  const { signal } = context;
  const { name: target, pid } = place.target;
  const named = { target, workload: workload.name };
  context.onProgress(`counting syncs: ${workload.title}, ${target}`);
  if (pid === undefined) return { ...named, syncsPerOperation: undefined, reason: 'its process is not known' };
  const operations = first(await workload.operations(place, { signal }), SYNCED_OPERATIONS);
  try {
    const step = async () => void (await drive(place, operations, { clientsCount: 1, signal }));
    const syncsCount = await countSyncs(pid, step, { signal });
    return { ...named, syncsPerOperation: syncsCount / operations.length };
  } catch (error) {
    if (!(error instanceof SyncsUnknown)) throw error;
    return { ...named, syncsPerOperation: undefined, reason: error.message };
  }
}

function first(operations: Iterable<Operation>, count: number): readonly Operation[] {
  const taken: Operation[] = [];
  for (const operation of operations) {
    taken.push(operation);
    if (taken.length === count) break;
  }
  return taken;
}

function turnsName({ name }: Workload, target: Target): string {
  return `${name}/${target.name}`;
}

/** The buckets of one run; disposing of them deletes them. */
class Places implements AsyncDisposable {
  readonly #context: BenchContext;
  readonly #places: Place[] = [];
  readonly #bodies = new Bodies();

  constructor(context: BenchContext) {
    this.#context = context;
  }

  async openAll(targets: readonly Target[]): Promise<void> {
    const { clock, signal } = this.#context;
    for (const target of targets) {
      // Two targets may be two ways to one server.
      const bucket = `pithos-bench-${randomBytes(6).toString('hex')}`;
      const parts = { target, bucket, bodies: this.#bodies, clock };
      this.#places.push(await Place.open(parts, { signal }));
    }
  }

  [Symbol.iterator](): Iterator<Place> {
    return this.#places[Symbol.iterator]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { kill, onProgress, onLeftover } = this.#context;
    for (const place of this.#places.filter(({ target }) => !target.isTemporary)) {
      onProgress(`deleting ${place.description}`);
      try {
        await place.remove({ signal: kill });
      } catch (error) {
        // What was measured still counts; the user must hear of what stays behind.
        onLeftover(`${place.description} is still there: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
}
