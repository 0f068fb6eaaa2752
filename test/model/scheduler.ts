import { createHash, type Hash } from 'node:crypto';

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Turns of the event loop in which nothing happened, before a simulation is taken to be stuck. */
const STUCK_TURNS_MAX = 3;
/** Lines of the trace that a failure shows. */
const TAIL_LINES = 80;

/**
 * Virtual time. Everything that takes time is an event with a moment; one runs after the other, and between two of
 * them every promise that can go on does. The order depends on the seed alone.
 */
export class Scheduler {
  readonly random: () => number;
  nowMs = 0;
  readonly #queue: Event[] = [];
  readonly #trace: Hash = createHash('sha256');
  readonly #tail: string[] = [];
  #order = 0;

  constructor(seed: number) {
    this.random = randomNumbers(seed);
  }

  /** Runs `run` in `ms` of virtual time. */
  after(ms: number, run: () => void): void {
    const event = { atMs: this.nowMs + Math.max(0, ms), order: this.#order++, run };
    let index = this.#queue.length;
    while (index > 0 && isLater(this.#queue[index - 1], event)) index--;
    this.#queue.splice(index, 0, event);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** A number from `low` to `high`. */
  between(low: number, high: number): number {
    return low + this.random() * (high - low);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  note(text: string): void {
    const line = `${this.nowMs.toFixed(1)} ${text}`;
    this.#trace.update(line);
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
  }

  /** Runs events until `promise` has settled. */
  async until<Value>(promise: Promise<Value>): Promise<Value> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    for (let idle = 0; ; ) {
      await new Promise((resolve) => setImmediate(resolve));
      if (isSettled) return await promise;
      const next = this.#queue.shift();
      if (next === undefined) {
        if (idle++ > STUCK_TURNS_MAX) throw new Error(`The simulation is stuck at ${this.nowMs} ms:\n${this.tail()}`);
        continue;
      }
      idle = 0;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
  }

  /** The same for two runs that did the same. */
  traceHash(): string {
    return this.#trace.copy().digest('hex');
  }

  tail(): string {
    return this.#tail.join('\n');
  }
}

/** One simulated process: it may be held, or end, at any moment. */
export class SimulatedProcess {
  readonly scheduler: Scheduler;
  readonly name: string;
  isCrashed = false;
  #held: (() => void)[] | undefined;

  constructor(scheduler: Scheduler, name: string) {
    this.scheduler = scheduler;
    this.name = name;
  }

  /** Runs `go` in this process: later while it is held, never after it has ended. */
  deliver(go: () => void): void {
    if (this.isCrashed) return;
    if (this.#held === undefined) go();
    else this.#held.push(() => this.deliver(go));
  }

  hold(): void {
    this.#held ??= [];
  }

  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const go of held) go();
  }

  crash(): void {
    this.isCrashed = true;
  }

  async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.scheduler.after(ms, () => this.deliver(resolve)));
  }
}

function isLater(a: Event | undefined, b: Event): boolean {
  return a !== undefined && (a.atMs > b.atMs || (a.atMs === b.atMs && a.order > b.order));
}

/** Mulberry32: numbers from 0 to 1 that depend on the seed alone. */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
