import { randomUUID } from 'node:crypto';
import type { Metastore } from '../stores/metastore.ts';
import { PIN_AFTER_MS, PIN_EXPIRES_MS, type ReadPins } from '../stores/read-pins.ts';
import { type JobOptions, startJob } from './job.ts';

/** How often reads are looked after, in milliseconds. */
const WATCH_INTERVAL_MS = 1_000;
/** A read this old gets a pin, in milliseconds: there is time left to store it. */
const PIN_READS_AFTER_MS = PIN_AFTER_MS / 2;
/** A pin is renewed when it has this long to go, in milliseconds. */
const RENEW_BEFORE_MS = (PIN_EXPIRES_MS * 2) / 3;
/**
 * How much earlier than its reads a pin begins, in milliseconds: what a read still sees may have been queued by a
 * commit that was under way when it began.
 */
const COMMIT_MS_MAX = 30_000;

export interface ReadPinsOptions {
  readonly nowMs: () => number;
  /** Told of a pin that could not be stored; it is tried again a second later. */
  readonly onError: JobOptions['onError'];
}

/** Starts to look after the reads of this process. */
export function startReadPins({ nowMs, onError }: ReadPinsOptions): ReadPins {
  const pins = new ProcessReadPins(nowMs);
  const job = startJob({
    name: 'read-pins',
    intervalMs: WATCH_INTERVAL_MS,
    run: ({ signal }) => pins.update({ signal }),
    onError,
  });
  return {
    begin: (metastore) => pins.begin(metastore),
    async [Symbol.asyncDispose]() {
      await job[Symbol.asyncDispose]();
      await pins.clear({ signal: AbortSignal.timeout(PIN_AFTER_MS) });
    },
  };
}

/** The reads of one process: beginning and ending one costs no store call, until it has lasted for seconds. */
export class ProcessReadPins {
  readonly #nowMs: () => number;
  readonly #id = randomUUID();
  readonly #reads = new Map<Metastore, Reads>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  begin(metastore: Metastore): Disposable {
    const existing = this.#reads.get(metastore);
    const reads = existing ?? { open: new OpenReads(), pin: undefined };
    if (existing === undefined) this.#reads.set(metastore, reads);
    return reads.open.begin(this.#nowMs());
  }

  /** Sets, moves, renews and clears pins as the reads now under way need it. */
  async update(options: { readonly signal: AbortSignal }): Promise<void> {
    for (const [metastore, reads] of this.#reads) await this.#updateOne(metastore, reads, options);
  }

  async clear(options: { readonly signal: AbortSignal }): Promise<void> {
    for (const [metastore, { pin }] of this.#reads) if (pin !== undefined) await metastore.clearPin(this.#id, options);
  }

  async #updateOne(metastore: Metastore, reads: Reads, options: { readonly signal: AbortSignal }): Promise<void> {
    const nowMs = this.#nowMs();
    const { oldest } = reads.open;
    if (oldest === undefined || nowMs - oldest.sinceMs < PIN_READS_AFTER_MS) {
      if (reads.pin === undefined) return;
      await metastore.clearPin(this.#id, options);
      reads.pin = undefined;
      return;
    }
    const sinceMs = oldest.sinceMs - COMMIT_MS_MAX;
    const { pin } = reads;
    if (pin !== undefined && pin.sinceMs === sinceMs && pin.expiresAtMs - nowMs > RENEW_BEFORE_MS) return;
    const next = { sinceMs, expiresAtMs: nowMs + PIN_EXPIRES_MS };
    await metastore.setPin({ id: this.#id, ...next }, options);
    reads.pin = next;
  }
}

/** A read under way, between those that began before and after it; alone once it is disposed of, or again. */
class OpenRead implements Disposable {
  readonly sinceMs: number;
  before: OpenRead = this;
  after: OpenRead = this;

  constructor(sinceMs: number) {
    this.sinceMs = sinceMs;
  }

  [Symbol.dispose](): void {
    this.before.after = this.after;
    this.after.before = this.before;
    this.before = this;
    this.after = this;
  }
}

/** The reads under way, in the order of their beginning: a ring, for every small read comes and goes here. */
class OpenReads {
  /** Where the ring begins and ends; no read. */
  readonly #ends = new OpenRead(0);

  get oldest(): OpenRead | undefined {
    return this.#ends.after === this.#ends ? undefined : this.#ends.after;
  }

  begin(sinceMs: number): OpenRead {
    const read = new OpenRead(sinceMs);
    read.before = this.#ends.before;
    read.after = this.#ends;
    this.#ends.before.after = read;
    this.#ends.before = read;
    return read;
  }
}

interface Reads {
  readonly open: OpenReads;
  pin: { readonly sinceMs: number; readonly expiresAtMs: number } | undefined;
}
