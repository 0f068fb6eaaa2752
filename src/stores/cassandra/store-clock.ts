/** Largest time in rows, in milliseconds since 1970. */
const TIME_MS_MAX = Number.MAX_SAFE_INTEGER;

/**
 * The clock of a store: this process' clock, moved to the cluster's. Gateways whose clocks differ by hours would else
 * disagree on what has rested long enough to be deleted. Order never depends on it.
 */
export class StoreClock {
  readonly #nowMs: () => number;
  readonly #offsetMs: () => number;

  /** `offsetMs`: what the cluster's clock is ahead of this process', in milliseconds. */
  constructor({ nowMs, offsetMs = () => 0 }: { nowMs: () => number; offsetMs?: (() => number) | undefined }) {
    this.#nowMs = nowMs;
    this.#offsetMs = offsetMs;
  }

  /** The cluster's time, in whole milliseconds. */
  nowMs(): number {
    return this.ofCaller(this.#nowMs());
  }

  /** The cluster's time for what a caller read from this process' clock. */
  ofCaller(ms: number): number {
    return Math.min(TIME_MS_MAX, Math.max(0, Math.floor(ms + this.#offsetMs())));
  }

  /** Microseconds, an even number: where the sequence of a fresh head starts. */
  sequence(): number {
    return this.nowMs() * 1000;
  }
}
