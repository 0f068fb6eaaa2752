import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { type CallOptions, StoreError } from '../store.ts';
import type { Cells, ReadOptions, Table } from './cells.ts';
import { newOpId, type OpId, parseOpId } from './context.ts';
import { bufferOf } from './key-head.ts';
import { KeyQueue } from './key-queue.ts';
import type { StoreClock } from './store-clock.ts';

/** Steps at one name that lose against others, before it is given up. */
const ATTEMPTS_MAX = 32;
/** Sequences from one change to the next: what belongs to a change can be written between them. */
const STEP = 4;
/** Writers that a head remembers: one of them is told whether it wrote, even after as many others did. */
const WRITERS_MAX = 16;
/**
 * How long the head of a name that was given up stays, in seconds: longer than any clock may be wrong, so that the
 * name's next life begins at a greater sequence.
 */
const GONE_TTL_SECONDS = 10 * 24 * 3600;
const GONE = 0;
const PRESENT = 1;

/** What stands under a name. */
export interface RegisterState<Value> {
  /** `undefined`: nothing was ever there, or not for long. */
  readonly sequence: number | undefined;
  readonly value: Value | undefined;
  /** The last changes of the name, the latest one last. */
  readonly writers: readonly Writer[];
}

interface Writer {
  readonly sequence: number;
  readonly op: OpId;
}

export type RegisterPlan<Value, Outcome> =
  | { readonly kind: 'answer'; readonly outcome: Outcome }
  | { readonly kind: 'change'; readonly value: Value | undefined; readonly outcome: Outcome };

/** A change of a name, from one sequence to the next. */
export interface Change<Value> {
  readonly sequence: number;
  readonly was: Value | undefined;
  readonly value: Value | undefined;
}

export interface RegisterStep<Value, Outcome> {
  /** Decides on what stands there. May be called several times. */
  plan(value: Value | undefined): RegisterPlan<Value, Outcome>;
  /** Called before a change is tried. */
  announce?(change: Change<Value>): Promise<void>;
}

export interface RegisterCodec<Value> {
  /** Longest row, in bytes; that of every row unless given. */
  readonly bytesMax?: number;
  write(row: RowWriter, value: Value): void;
  read(row: RowReader): Value;
}

/**
 * Values under names, each a partition that is nothing but its head, which transactions alone write. Linearizable per
 * name. The head names who wrote it last, so that after a doubt every writer can be told what became of its step.
 */
export class Register<Value> {
  readonly #cells: Cells;
  readonly #clock: StoreClock;
  readonly #table: Table;
  readonly #codec: RegisterCodec<Value>;
  readonly #queue = new KeyQueue();

  constructor(parts: {
    readonly cells: Cells;
    readonly clock: StoreClock;
    readonly table: Table;
    readonly codec: RegisterCodec<Value>;
  }) {
    this.#cells = parts.cells;
    this.#clock = parts.clock;
    this.#table = parts.table;
    this.#codec = parts.codec;
  }

  async read(name: string, options: ReadOptions): Promise<RegisterState<Value>> {
    const head = await this.#cells.readHead(this.#table, [name], options);
    return head === undefined ? NOTHING : { sequence: head.sequence, ...this.#decode(head.value) };
  }

  /** Every value, in no particular order. */
  async *values(options: CallOptions): AsyncGenerator<{ readonly name: string; readonly value: Value }> {
    for await (const { partition, head } of this.#cells.scanHeads(this.#table, options)) {
      const [name] = partition;
      if (typeof name !== 'string' || head.value.length === 0) continue;
      const { value } = this.#decode(head.value);
      if (value !== undefined) yield { name, value };
    }
  }

  /**
   * Takes one step at a name. `change` is what was done, if anything was.
   * Throws: `in-doubt` where nothing tells whether it was; `unavailable` where others were always faster.
   */
  async step<Outcome>(
    name: string,
    step: RegisterStep<Value, Outcome>,
    options: CallOptions,
  ): Promise<{ readonly outcome: Outcome; readonly change: Change<Value> | undefined }> {
    return await this.#queue.run(name, () => this.#step(name, step, options), options);
  }

  /**
   * Moves the sequence beyond `sequence` and leaves the value alone: from then on every attempt fails that was planned
   * before. `undefined` where somebody else was faster.
   */
  async advance(name: string, sequence: number, options: CallOptions): Promise<RegisterState<Value> | undefined> {
    const state = await this.read(name, { ...options, isSerial: true });
    const moved = this.#next(state, state.value, Math.max(sequence, state.sequence ?? 0) + STEP);
    return (await this.#transact(name, state, moved, options)) === 'applied' ? moved : undefined;
  }

  async #step<Outcome>(name: string, { plan, announce }: RegisterStep<Value, Outcome>, options: CallOptions) {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const state = await this.read(name, { ...options, isSerial: attempt > 1 });
      const planned = plan(state.value);
      if (planned.kind === 'answer') return { outcome: planned.outcome, change: undefined };
      const fresh = Math.max(STEP, this.#clock.sequence());
      const sequence = state.sequence === undefined ? fresh : state.sequence + STEP;
      const next = this.#next(state, planned.value, sequence);
      const change = { sequence, was: state.value, value: planned.value };
      await announce?.(change);
      const outcome = await this.#transact(name, state, next, options);
      const isDone =
        outcome === 'applied' || (outcome === 'overtaken' && (await this.#hasApplied(name, next, options)));
      if (isDone) return { outcome: planned.outcome, change };
    }
    throw new StoreError('unavailable', `${ATTEMPTS_MAX} attempts lost against others: there is too much contention.`);
  }

  #next({ writers }: RegisterState<Value>, value: Value | undefined, sequence: number): RegisterState<Value> & Writer {
    const op = newOpId();
    return { sequence, op, value, writers: [...writers, { sequence, op }].slice(-WRITERS_MAX) };
  }

  async #transact(name: string, from: RegisterState<Value>, to: RegisterState<Value> & Writer, options: CallOptions) {
    const head = { sequence: to.sequence, value: this.#encode(to) };
    const ttl = to.value === undefined ? { ttlSeconds: GONE_TTL_SECONDS } : {};
    return await this.#cells.transact(this.#table, [name], { ifSequence: from.sequence, head, ...ttl }, options);
  }

  /** Whether an attempt was applied that others followed. */
  async #hasApplied(name: string, { sequence, op }: Writer, options: CallOptions): Promise<boolean> {
    const { writers } = await this.read(name, { ...options, isSerial: true });
    if (writers.some((writer) => writer.op === op)) return true;
    const [oldest] = writers;
    const isForgotten = writers.length >= WRITERS_MAX && oldest !== undefined && oldest.sequence > sequence;
    if (!isForgotten) return false;
    throw new StoreError('in-doubt', `Whether ${name} was changed cannot be told: it was changed often since.`);
  }

  #encode({ value, writers }: RegisterState<Value>): Buffer {
    const row = new RowWriter(this.#codec).integer(writers.length);
    for (const { sequence, op } of writers) row.integer(sequence).text(op);
    row.byte(value === undefined ? GONE : PRESENT);
    if (value !== undefined) this.#codec.write(row, value);
    return row.finish();
  }

  #decode(bytes: Uint8Array): Pick<RegisterState<Value>, 'value' | 'writers'> {
    const row = new RowReader(bufferOf(bytes));
    const writers = Array.from({ length: row.count() }, () => ({
      sequence: row.integer(),
      op: parseOpId(row.text()),
    }));
    return { writers, value: row.byte() === GONE ? undefined : this.#codec.read(row) };
  }
}

const NOTHING = { sequence: undefined, value: undefined, writers: [] } as const;
