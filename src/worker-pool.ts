import cluster, { type Worker } from 'node:cluster';
import type { Socket } from 'node:net';
import type { Config } from './config/config.ts';
import { packConfig } from './config/pack.ts';
import { type BalancerTrouble, ConnectionBalancer } from './connection-balancer.ts';
import { asListenError } from './listen-error.ts';
import type { MetricsSnapshot } from './observe/counts.ts';
import type { Log } from './observe/log.ts';
import type { ServerMetrics } from './observe/server-metrics.ts';
import { workerFlags } from './worker-flags.ts';
import { parseToPrimary, type ToWorker } from './worker-messages.ts';

/** A worker that accepted requests for less than this, in milliseconds, is replaced with a growing delay. */
const STABLE_MS = 1_000;
const REPLACE_DELAY_MS = 100;
const REPLACE_DELAY_MS_MAX = 10_000;
/** How long the workers' counts are waited for, in milliseconds. */
const METRICS_MS_MAX = 2_000;
/** What workers get beyond the grace of their requests, to close their stores, in milliseconds. */
const CLOSE_MS = 5_000;

interface PoolWorker {
  readonly worker: Worker;
  readonly ended: Promise<void>;
  /** Whether it hears what it is told. */
  isUp: boolean;
  /** `undefined` while it does not. */
  readySinceMs: number | undefined;
}

/**
 * The worker processes of a server, one a core, and the address whose connections they are handed. One that dies is
 * replaced; when one finds that stable storage failed, `storageFailed` resolves with what it said, and none is replaced
 * any more.
 */
export class WorkerPool {
  readonly storageFailed: Promise<string>;
  readonly #config: Config;
  readonly #log: Log;
  readonly #metrics: ServerMetrics;
  readonly #workers = new Map<number, PoolWorker>();
  readonly #replacements = new Set<NodeJS.Timeout>();
  readonly #reports = new Map<number, (id: number, snapshot: MetricsSnapshot | undefined) => void>();
  readonly #failStorage: (message: string) => void;
  readonly #balancer: ConnectionBalancer;
  #state: 'starting' | 'running' | 'stopping' = 'starting';
  #earlyDeaths = 0;
  #requestsCount = 0;
  #launched: readonly Promise<void>[] = [];
  /** Whether workers may open the stores. */
  #mayOpen = false;

  constructor(config: Config, { log, metrics }: { log: Log; metrics: ServerMetrics }) {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.storageFailed = promise;
    this.#failStorage = resolve;
    this.#config = config;
    this.#log = log;
    this.#metrics = metrics;
    this.#balancer = new ConnectionBalancer({ onTrouble: (trouble) => this.#warn(trouble) });
  }

  /** Starts the processes of all workers, which load their code and wait for `start`. `kill` ends them. */
  launch(): void {
    cluster.setupPrimary({ args: [], execArgv: workerFlags(), serialization: 'advanced' });
    this.#launched = Array.from({ length: this.#config.service.workers }, () => this.#fork());
    // `start` tells of those that end before it.
    for (const worker of this.#launched) worker.catch(() => undefined);
  }

  /**
   * Lets the launched workers open the stores; resolves when each accepts requests. Throws `WorkerStartError`; `kill`
   * those that did start then.
   */
  async start(): Promise<{ readonly port: number }> {
    this.#mayOpen = true;
    for (const [id, { isUp }] of this.#workers) if (isUp) this.#tellStart(id);
    await Promise.all(this.#launched);
    const { host, port: asked } = this.#config.service;
    const { port } = await this.#balancer.listen({ host, port: asked }).catch((error: unknown) => {
      throw asListenError(error, { host, port: asked, setting: '--port' });
    });
    this.#state = 'running';
    // One may have died while its siblings started.
    for (let count = this.#workers.size; count < this.#config.service.workers; count += 1) this.#replace();
    return { port };
  }

  get readyCount(): number {
    return [...this.#workers.values()].filter(isReady).length;
  }

  /** What each worker has counted, by its id; those that do not answer in time are left out. */
  async snapshots(): Promise<ReadonlyMap<number, MetricsSnapshot>> {
    const snapshots = new Map<number, MetricsSnapshot>();
    const asked = new Set([...this.#workers].filter(([, member]) => isReady(member)).map(([id]) => id));
    if (asked.size === 0) return snapshots;
    this.#requestsCount += 1;
    const request = this.#requestsCount;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timeout = setTimeout(resolve, METRICS_MS_MAX);
    this.#reports.set(request, (id, snapshot) => {
      if (snapshot !== undefined && asked.has(id)) snapshots.set(id, snapshot);
      asked.delete(id);
      if (asked.size === 0) resolve();
    });
    for (const id of asked) this.#tell(id, { kind: 'report-metrics', request });
    await promise;
    clearTimeout(timeout);
    this.#reports.delete(request);
    return snapshots;
  }

  /** Lets running requests end for `graceMs`, then ends the workers; resolves when all are gone. */
  async drain({ graceMs }: { graceMs: number }): Promise<void> {
    this.#stopReplacing();
    for (const id of this.#workers.keys()) this.#tell(id, { kind: 'drain', graceMs });
    const timeout = setTimeout(() => this.#killAll(), graceMs + CLOSE_MS);
    await this.#allEnded();
    clearTimeout(timeout);
  }

  /** Ends the workers at once; resolves when all are gone. */
  async kill(): Promise<void> {
    this.#stopReplacing();
    this.#killAll();
    await this.#allEnded();
  }

  /** Resolves when the worker accepts requests; rejects when it ends without having done so. */
  #fork(): Promise<void> {
    const worker = cluster.fork();
    const ended = Promise.withResolvers<void>();
    const ready = Promise.withResolvers<void>();
    const member: PoolWorker = { worker, ended: ended.promise, isUp: false, readySinceMs: undefined };
    this.#workers.set(worker.id, member);
    worker.on('message', (message) => {
      const told = parseToPrimary(message);
      switch (told?.kind) {
        case 'up':
          member.isUp = true;
          // Told to drain before it could hear: it has opened nothing yet.
          if (this.#state === 'stopping') worker.process.kill('SIGKILL');
          else if (this.#mayOpen) this.#tellStart(worker.id);
          return;
        case 'ready':
          member.readySinceMs = performance.now();
          this.#metrics.setWorkers(this.readyCount);
          if (this.#state !== 'stopping') this.#balancer.add(worker.id, (socket) => handOver(worker, socket));
          return ready.resolve();
        case 'taken':
          return this.#balancer.taken(worker.id, told.openCount);
        case 'not-started':
          return ready.reject(new WorkerStartError(told.message));
        case 'storage-failed':
          this.#stopReplacing();
          return this.#failStorage(told.message);
        case 'metrics':
          return this.#reports.get(told.request)?.(worker.id, told.snapshot);
        default:
      }
    });
    worker.once('error', (error) => ready.reject(error));
    worker.once('exit', (code, signal) => {
      ready.reject(new WorkerStartError(`A worker process ended while it started (${endOf(code, signal)}).`));
      this.#onExit(member, endOf(code, signal));
      ended.resolve();
    });
    return ready.promise;
  }

  #tellStart(id: number): void {
    this.#tell(id, { kind: 'start', config: packConfig(this.#config) });
  }

  #warn(trouble: BalancerTrouble): void {
    if (trouble.kind === 'closed') {
      this.#log.warn({ waiting: trouble.waitingCount }, 'a connection was closed: too many wait for a worker process');
      return;
    }
    const worker = this.#workers.get(trouble.worker)?.worker.process.pid;
    this.#log.warn({ worker, afterMs: trouble.afterMs }, 'a worker process did not take a connection');
  }

  #onExit({ worker, readySinceMs = performance.now() }: PoolWorker, end: string): void {
    this.#workers.delete(worker.id);
    this.#balancer.remove(worker.id);
    this.#metrics.setWorkers(this.readyCount);
    for (const report of this.#reports.values()) report(worker.id, undefined);
    const unasked = this.#state === 'running';
    this.#metrics.workerEnded(worker.id, { unasked });
    if (!unasked) return;
    const isStable = performance.now() - readySinceMs > STABLE_MS;
    this.#earlyDeaths = isStable ? 0 : this.#earlyDeaths + 1;
    const delayMs = isStable ? 0 : Math.min(REPLACE_DELAY_MS * 2 ** (this.#earlyDeaths - 1), REPLACE_DELAY_MS_MAX);
    this.#log.error(
      { worker: worker.process.pid, end, replacedInMs: delayMs },
      'a worker process ended and is replaced',
    );
    const replacement = setTimeout(() => {
      this.#replacements.delete(replacement);
      this.#replace();
    }, delayMs);
    this.#replacements.add(replacement);
  }

  /** One that does not start ends, and is replaced in its turn. */
  #replace(): void {
    this.#fork().catch((error: unknown) => {
      if (this.#state === 'running') this.#log.error({ err: error }, 'a worker process did not start');
    });
  }

  #tell(id: number, message: ToWorker): void {
    const worker = this.#workers.get(id)?.worker;
    // One that is gone has its end told by `exit`.
    if (worker?.isConnected()) worker.send(message, () => undefined);
  }

  #stopReplacing(): void {
    this.#state = 'stopping';
    this.#balancer.close();
    for (const replacement of this.#replacements) clearTimeout(replacement);
    this.#replacements.clear();
  }

  #killAll(): void {
    for (const { worker } of this.#workers.values()) worker.process.kill('SIGKILL');
  }

  async #allEnded(): Promise<void> {
    await Promise.all([...this.#workers.values()].map(({ ended }) => ended));
  }
}

/** One that is gone by then has its connection closed when its end is told. */
function handOver(worker: Worker, socket: Socket): void {
  const message: ToWorker = { kind: 'connection' };
  if (worker.isConnected()) worker.send(message, socket, { keepOpen: true }, () => undefined);
}

/** Why a worker could not start, in its own words. */
export class WorkerStartError extends Error {
  override readonly name = 'WorkerStartError';
}

function isReady({ readySinceMs }: PoolWorker): boolean {
  return readySinceMs !== undefined;
}

function endOf(code: number | null, signal: string | null): string {
  return signal ?? `exit code ${code}`;
}
