import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomNumbers } from '../../history/workload.ts';
import { type CrashPoint, planCrashPoints } from './crash-points.ts';
import type { SyncClass } from './disk-events.ts';
import { expectationAt } from './load-history.ts';
import type { Recording } from './recording.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { StateReader } from './state-reader.ts';
import { survivorsOf } from './survivors.ts';

/** In memory, where there is such a place: nothing here has to survive. */
const MEMORY = '/dev/shm';
/** States that are read at one time: one for each process that reads. */
const READERS = 2;
/** States with losses that are kept for a look. */
const KEPT_STATES_MAX = 10;

export interface ReplayOptions {
  /** About how many crash points, spread over the whole recording. */
  readonly points: number;
  readonly seed: number;
  /** Syncs that count as not made: the replay ends with the first loss then. */
  readonly leftOut?: SyncClass;
  /** Where the first states with losses go; nowhere, unless given. */
  readonly keepIn?: string | undefined;
  readonly onPoint?: (pointsCount: number) => void;
}

/** A state that is not what it must be. */
export interface Loss extends CrashPoint {
  readonly problems: readonly string[];
}

export interface ReplayReport {
  readonly pointsCount: number;
  /** Prefixes of the recorded calls. */
  readonly prefixesCount: number;
  readonly byWay: ReadonlyMap<string, number>;
  readonly losses: readonly Loss[];
}

/** Makes the states that a power cut can leave, and has each opened and read. */
export async function replayCrashes(recording: Recording, options: ReplayOptions): Promise<ReplayReport> {
  const home = await mkdtemp(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'pithos-crash-'));
  try {
    return await new Replay(recording, options, home).run();
  } finally {
    await rm(home, { recursive: true });
  }
}

class Replay {
  readonly #recording: Recording;
  readonly #options: ReplayOptions;
  readonly #home: string;
  readonly #disk: SimulatedDisk;
  readonly #byWay = new Map<string, number>();
  readonly #prefixes = new Set<number>();
  readonly #losses: Loss[] = [];
  #appliedCount = 0;
  #pointsCount = 0;

  constructor(recording: Recording, options: ReplayOptions, home: string) {
    this.#recording = recording;
    this.#options = options;
    this.#home = home;
    const shared = join(home, 'shared');
    this.#disk = new SimulatedDisk({ root: recording.root, shared, leftOut: options.leftOut });
  }

  async run(): Promise<ReplayReport> {
    const { points: pointsMax, leftOut } = this.#options;
    const { events, root } = this.#recording;
    await mkdir(join(this.#home, 'shared'));
    const points = planCrashPoints(events, pointsMax, { root, leftOut }).values();
    const work = async (): Promise<void> => {
      await using reader = new StateReader();
      for (const point of points) {
        if (leftOut !== undefined && this.#losses.length > 0) return;
        await this.#crashAt(point, reader);
      }
    };
    await Promise.all(Array.from({ length: READERS }, work));
    return {
      pointsCount: this.#pointsCount,
      prefixesCount: this.#prefixes.size,
      byWay: this.#byWay,
      losses: this.#losses,
    };
  }

  async #crashAt(point: CrashPoint, reader: StateReader): Promise<void> {
    const { seed, keepIn, onPoint } = this.#options;
    const number = this.#pointsCount++;
    this.#prefixes.add(point.eventsCount);
    this.#byWay.set(point.way, (this.#byWay.get(point.way) ?? 0) + 1);
    this.#advanceTo(point.eventsCount);
    const directory = join(this.#home, `state-${number}`);
    const survivors = () => survivorsOf(point.way, randomNumbers(seed * 31 + number));
    this.#disk.makeState(directory, survivors());
    const kept = keepIn === undefined ? undefined : join(this.#home, `kept-${number}`);
    if (kept !== undefined) this.#disk.makeState(kept, survivors());
    const expected = expectationAt(this.#recording.history, this.#momentAfter(point.eventsCount));
    const problems = await reader.findProblems({ directory, expected });
    if (problems.length > 0) {
      this.#losses.push({ ...point, problems });
      if (kept !== undefined && keepIn !== undefined && this.#losses.length <= KEPT_STATES_MAX)
        await cp(kept, join(keepIn, `state-${number}`), { recursive: true });
    }
    await rm(directory, { recursive: true });
    if (kept !== undefined) await rm(kept, { recursive: true });
    onPoint?.(this.#pointsCount);
  }

  #advanceTo(eventsCount: number): void {
    const { events } = this.#recording;
    for (const event of events.slice(this.#appliedCount, eventsCount)) this.#disk.apply(event);
    this.#appliedCount = Math.max(this.#appliedCount, eventsCount);
  }

  /** The last moment at which the disk was as it is after so many events: what was acknowledged by then counts. */
  #momentAfter(eventsCount: number): bigint {
    const { events } = this.#recording;
    const next = events[eventsCount];
    return next === undefined ? (events.at(-1)?.endedAt ?? 0n) + 1n : next.endedAt - 1n;
  }
}
