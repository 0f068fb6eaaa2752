import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { runPithos } from '../../cli/run-pithos.ts';
import { recordWindows } from '../../history/record-windows.ts';
import { S3Subject } from '../../history/s3-subject.ts';
import { randomNumbers } from '../../history/workload.ts';
import { killNow, type ServeProcess, startServeProcess } from '../../support/serve-process.ts';
import { AnswerLog } from '../answer-log.ts';
import { findProblems, fsckProblems, SHORT_GRACES } from '../final-check.ts';
import { findLosses } from '../find-losses.ts';
import { type Buckets, LoadClient, requireStatus } from '../load-client.ts';
import { makeBuckets } from '../make-buckets.ts';
import { NoServerError, S3Client } from '../s3-client.ts';
import { findGrowth, type Resources, ResourceWatch } from './resources.ts';

export interface SoakOptions {
  /** An empty directory of its own. */
  readonly directory: string;
  /** How often the server is started, and ended again. */
  readonly rounds: number;
  /** Load of each round, in milliseconds; it lasts until the round's backup is checked. */
  readonly roundMs: number;
  readonly seed: number;
  readonly workers: number;
  /** Ends the load early. */
  readonly stop: AbortSignal;
  readonly onProgress: (step: string) => void;
  /** Damage that the checks must find: done to the data directory after the load, while no server runs. */
  readonly damage?: (dataDirectory: string) => Promise<void>;
}

/** What one round came to. */
export interface Round extends Resources {
  /** Acknowledged writes of the mixed load. */
  readonly writesPerMinute: number;
}

export interface SoakReport {
  readonly seed: number;
  readonly loadMs: number;
  readonly acknowledged: number;
  readonly inDoubt: number;
  /** Entries of recorded histories that were found linearizable; a listing counts once for each key. */
  readonly entries: number;
  readonly workerKills: number;
  readonly serverKills: number;
  readonly serverStops: number;
  /** Backups of the running server that were restored and found clean. */
  readonly backups: number;
  /** What the clients of the mixed load asked and heard. */
  readonly answers: AnswerLog;
  readonly rounds: readonly Round[];
  /** What is not as it must be, one sentence each. */
  readonly problems: readonly string[];
}

const BUCKETS: Buckets = { plain: 'plain', versioned: 'versioned' };
const LOAD_CLIENTS = 12;
const HISTORY_CLIENTS = 8;
const HISTORY_KEYS = Array.from({ length: 16 }, (_, index) => `key-${index}`);
/** More than any round records, and what is recorded before it is checked. */
const OPERATIONS_MAX = 1_000_000;
const WINDOW_OPERATIONS = 10_000;
const KILL_PAUSE_MS = 3_000;
const MINUTE_MS = 60_000;
/** Before what was not answered is asked again, in milliseconds. */
const REPEAT_MS = 100;

/**
 * A mixed load and recorded histories on a server as an operator runs it, whose workers are killed at random, which is
 * backed up while it works, and which is killed or stopped, and started again, at the end of each round. Ends with the
 * round in which something is wrong, or with the check of all that was written.
 */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  return await new Soak(options).run();
}

class Soak {
  readonly #options: SoakOptions;
  readonly #data: string;
  readonly #random: () => number;
  readonly #clients: readonly LoadClient[];
  readonly #rounds: Round[] = [];
  readonly #answers = new AnswerLog();
  readonly #problems: string[] = [];
  readonly #counts = { entries: 0, workerKills: 0, serverKills: 0, serverStops: 0, backups: 0 };
  #loadMs = 0;

  constructor(options: SoakOptions) {
    const { directory, seed } = options;
    this.#options = options;
    this.#data = join(directory, 'data');
    this.#random = randomNumbers(seed);
    this.#clients = Array.from(
      { length: LOAD_CLIENTS },
      (_, index) => new LoadClient({ index, seed, buckets: BUCKETS }),
    );
  }

  async run(): Promise<SoakReport> {
    const { rounds, stop, damage } = this.#options;
    await this.#try(async () => {
      while (this.#rounds.length < rounds && !stop.aborted && this.#problems.length === 0) await this.#round();
    });
    if (this.#problems.length === 0) {
      await damage?.(this.#data);
      await this.#try(() => this.#checkAll());
    }
    this.#problems.push(...findGrowth(this.#rounds));
    const { seed } = this.#options;
    return {
      ...{ seed, loadMs: this.#loadMs, acknowledged: this.#sum('acknowledged'), inDoubt: this.#sum('inDoubt') },
      ...this.#counts,
      ...{ answers: this.#answers, rounds: this.#rounds, problems: this.#problems },
    };
  }

  /** An answer that no request may get, or a server that does not start, is a problem to tell of. */
  async #try(part: () => Promise<void>): Promise<void> {
    try {
      await part();
    } catch (error) {
      this.#problems.push(String(error));
    }
  }

  async #round(): Promise<void> {
    const { roundMs, stop, onProgress } = this.#options;
    const number = this.#rounds.length;
    await using server = await this.#start();
    if (number === 0) await makeBuckets(server, BUCKETS);
    const beganAt = performance.now();
    const acknowledgedBefore = this.#sum('acknowledged');
    this.#answers.begin();
    let isBackedUp = false;
    let hasEnded = false;
    const isOver = () => hasEnded || stop.aborted || (isBackedUp && performance.now() - beganAt >= roundMs);
    using watch = new ResourceWatch(server);
    const running = Promise.all([
      Promise.all(this.#clients.map((client) => client.run({ ...server, onAnswer: this.#answers.note }, isOver))),
      this.#record(server, number, isOver),
      this.#killWorkers(server, isOver),
      this.#backUp().finally(() => {
        isBackedUp = true;
      }),
    ]);
    // Where one of them failed, the others must not wait for a server that is gone.
    await running.finally(() => {
      hasEnded = true;
    });
    const loadMs = performance.now() - beganAt;
    this.#loadMs += loadMs;
    const writesPerMinute = ((this.#sum('acknowledged') - acknowledgedBefore) * MINUTE_MS) / loadMs;
    this.#rounds.push({ ...(await watch.result(this.#data)), writesPerMinute });
    await this.#end(server, number);
    const { entries, workerKills } = this.#counts;
    onProgress(
      `round ${number + 1}: ${this.#sum('acknowledged')} writes acknowledged, ${this.#sum('inDoubt')} in doubt, ` +
        `${entries} entries of histories, ${workerKills} workers killed`,
    );
  }

  /** Histories in windows, each in a bucket of its own. */
  async #record(server: ServeProcess, round: number, isOver: () => boolean): Promise<void> {
    const { host, port, keys } = server;
    const { entries, verdict } = await recordWindows({
      ...{
        clients: HISTORY_CLIENTS,
        keys: HISTORY_KEYS,
        operations: OPERATIONS_MAX,
        windowOperations: WINDOW_OPERATIONS,
      },
      seed: Math.floor(this.#random() * 1e6),
      openWindow: async (index) => {
        const bucket = `history-${round}-${index}`;
        await makeBucket(server, bucket, isOver);
        return Array.from({ length: HISTORY_CLIENTS }, () => new S3Subject({ host, port, keys, bucket }));
      },
      isOver,
    });
    if (verdict.kind === 'linearizable') this.#counts.entries += entries;
    else {
      this.#problems.push(`A history of round ${round + 1} is not linearizable: ${JSON.stringify(verdict)}`);
    }
  }

  /** Kills one worker after the other, each once the load has gone on: killed as they start, they would do nothing. */
  async #killWorkers(server: ServeProcess, isOver: () => boolean): Promise<void> {
    let goneOnAt = this.#sum('acknowledged') + LOAD_CLIENTS;
    for (;;) {
      await setTimeout(this.#random() * KILL_PAUSE_MS);
      if (isOver()) return;
      const pids = server.workerPids();
      const pid = pids[Math.floor(this.#random() * pids.length)];
      if (pid === undefined || this.#sum('acknowledged') < goneOnAt) continue;
      killNow(pid);
      this.#counts.workerKills += 1;
      goneOnAt = this.#sum('acknowledged') + LOAD_CLIENTS;
    }
  }

  /** Backs the running server up, restores that elsewhere, and checks it. */
  async #backUp(): Promise<void> {
    const restored = await this.#restoreBackup();
    this.#problems.push(...(await fsckProblems(restored)));
    await rm(restored, { recursive: true, force: true });
    this.#counts.backups += 1;
  }

  /** Every second time the server is killed, all of it at once; it is stopped in the others. */
  async #end(server: ServeProcess, round: number): Promise<void> {
    if (round % 2 === 0) {
      await server.kill();
      this.#counts.serverKills += 1;
      return;
    }
    const exitCode = await server.stop();
    this.#counts.serverStops += 1;
    if (exitCode !== 0) this.#problems.push(`The server that was stopped ended with ${exitCode}.`);
  }

  /** Everything that was written, where it was written and in a backup that is restored. */
  async #checkAll(): Promise<void> {
    const { onProgress } = this.#options;
    const loaded = { buckets: BUCKETS, clients: this.#clients };
    {
      onProgress('checking all that was written');
      await using server = await this.#start();
      this.#problems.push(...(await findProblems({ ...loaded, server, directory: this.#data })));
    }
    if (this.#problems.length > 0) return;
    onProgress('checking a backup of it');
    const restored = await this.#restoreBackup();
    await using server = await startServeProcess({ directory: restored });
    this.#problems.push(...(await findLosses(server, BUCKETS, this.#clients)), ...(await fsckProblems(restored)));
  }

  /** Backs the data directory up and restores that into another; which it is. */
  async #restoreBackup(): Promise<string> {
    const { directory } = this.#options;
    const [target, restored] = [join(directory, 'backup'), join(directory, 'restored')];
    for (const [name, ...places] of [
      ['backup', target, this.#data],
      ['restore', target, restored],
    ] as const) {
      const { code, stderr } = await runPithos([name, ...places]);
      if (code !== 0) this.#problems.push(`pithos ${name} ended with ${code}: ${stderr}`);
    }
    return restored;
  }

  #sum(of: 'acknowledged' | 'inDoubt'): number {
    return this.#clients.reduce((sum, { counts }) => sum + counts[of], 0);
  }

  async #start(): Promise<ServeProcess> {
    const { workers } = this.#options;
    return await startServeProcess({ directory: this.#data, workers, env: SHORT_GRACES });
  }
}

/** Makes a bucket, however often it takes while workers are killed, unless the round is over. */
async function makeBucket(server: ServeProcess, name: string, isOver: () => boolean): Promise<void> {
  using s3 = new S3Client(server);
  const call = { method: 'PUT', path: `/${name}` };
  while (!isOver()) {
    try {
      if (requireStatus(call, await s3.send(call), 200) !== undefined) return;
    } catch (error) {
      if (!(error instanceof NoServerError)) throw error;
    }
    await setTimeout(REPEAT_MS);
  }
}
