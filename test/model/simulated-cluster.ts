import type { Head, Key, ReadOptions, Row, Slice, Table, Transaction } from '../../src/stores/cassandra/cells.ts';
import { encodeKey } from './key-order.ts';
import { decodeHead, decodeSequence, encodeHead, encodeSequence } from './physical-head.ts';
import { type Cell, type HeadCell, type Mutation, newerCell, Replica, type RowCell } from './replica.ts';
import type { Scheduler } from './scheduler.ts';

/** What goes wrong, and how often: probabilities, and times in virtual milliseconds. */
export interface Weather {
  /** A message to one replica is lost; a hint brings it later. */
  readonly loss: number;
  readonly hintMsMax: number;
  /** A message arrives once more, much later. */
  readonly duplicate: number;
  /** The sender of a write or a transaction hears nothing, whatever became of it. */
  readonly silence: number;
  /** A transaction that the sender heard nothing of begins only now and then later, or never. */
  readonly lateTransactionMsMax: number;
  readonly delayMsMax: number;
}

export const CALM: Weather = {
  loss: 0,
  hintMsMax: 0,
  duplicate: 0,
  silence: 0,
  lateTransactionMsMax: 0,
  delayMsMax: 2,
};

export const WILD: Weather = {
  loss: 0.08,
  hintMsMax: 3_000,
  duplicate: 0.05,
  silence: 0.03,
  lateTransactionMsMax: 4_000,
  delayMsMax: 20,
};

export type Outcome = 'done' | 'silence';

const REPLICAS = 3;
const QUORUM = 2;
const DUPLICATE_MS_MAX = 10_000;
const SILENCE_MS = 100;

interface Decided {
  readonly mutation: Mutation;
  readonly appliedTo: Set<number>;
}

/**
 * Three replicas and what happens between them. A plain write reaches each of them by itself. A transaction is decided
 * at one moment; its mutation then reaches the replicas as a plain write does, and a later transaction or serial read
 * of the partition first brings it to a quorum, as Paxos does.
 */
export class SimulatedCluster {
  readonly scheduler: Scheduler;
  readonly #weather: Weather;
  readonly #replicas: readonly Replica[];
  /** What was decided: the state that conditions look at. */
  readonly #decisions: Replica;
  readonly #unfinished = new Map<string, Decided[]>();
  readonly #lastBallot = new Map<string, number>();
  readonly #down = new Set<number>();

  constructor(scheduler: Scheduler, weather: Weather) {
    this.scheduler = scheduler;
    this.#weather = weather;
    const nowMs = (): number => scheduler.nowMs;
    this.#replicas = Array.from({ length: REPLICAS }, () => new Replica(nowMs));
    this.#decisions = new Replica(nowMs);
  }

  /** One replica at most is away: what is meant for it comes by hints. */
  setDown(index: number | undefined): void {
    this.#down.clear();
    if (index !== undefined) this.#down.add(index);
  }

  async write(mutation: Mutation): Promise<Outcome> {
    const { silence } = this.#weather;
    const isSilent = this.scheduler.chance(silence);
    const acknowledged = this.#spread(mutation, () => undefined);
    if (!isSilent) {
      await acknowledged;
      return 'done';
    }
    await this.scheduler.sleep(SILENCE_MS);
    return 'silence';
  }

  async readHead(table: Table, partition: Key, { isSerial = false }: ReadOptions): Promise<Head | undefined> {
    await this.#travel();
    if (isSerial) this.#finish(table, partition);
    const at = { table, partition };
    const asked = this.#quorum();
    const cells = asked.map((replica) => replica.headCell(at, 'head'));
    const cell = merge(cells);
    // Read repair: the selected cell alone, on the replicas that were asked, before the answer.
    if (cell !== undefined) for (const replica of asked) repairHead(replica, { ...at, name: 'head', cell });
    await this.#travel();
    if (cell?.value === undefined) return undefined;
    const { sequence, value } = decodeHead(cell.value);
    return { sequence, value };
  }

  /** The nonce of who wrote the head, read through consensus. */
  async readNonce(table: Table, partition: Key): Promise<{ nonce: number; sequence: number } | undefined> {
    await this.#travel();
    this.#finish(table, partition);
    const cell = merge(this.#quorum().map((replica) => replica.headCell({ table, partition }, 'head')));
    await this.#travel();
    return cell?.value === undefined ? undefined : decodeHead(cell.value);
  }

  async readRows(table: Table, partition: Key, slice: Slice, options: ReadOptions): Promise<readonly Row[]> {
    await this.#travel();
    if (options.isSerial === true) this.#finish(table, partition);
    const asked = this.#quorum();
    const rows = mergeRows(table, asked, partition, slice);
    for (const replica of asked) {
      for (const { key, cell } of rows) {
        replica.apply({ table, partition, timestamp: cell.timestamp, rows: [{ key, value: cell.value }] });
      }
    }
    await this.#travel();
    const live = rows.flatMap(({ key, cell: { value, timestamp } }) =>
      value === undefined ? [] : [{ key, value, timestamp }],
    );
    if (slice.isReverse === true) live.reverse();
    return live.slice(0, slice.limit);
  }

  /** One request for a transaction. */
  async transact(
    table: Table,
    partition: Key,
    transaction: Transaction,
    nonce: number,
  ): Promise<'applied' | 'refused' | 'silence'> {
    const { silence, lateTransactionMsMax, duplicate } = this.#weather;
    const decide = (): Decided | undefined => this.#decide(table, partition, transaction, nonce);
    if (this.scheduler.chance(silence)) {
      // Nobody hears of it any more; its coordinator may begin it at any time, or never.
      if (this.scheduler.chance(0.7)) {
        this.scheduler.after(this.scheduler.between(0, lateTransactionMsMax), () => void this.#commit(decide()));
      }
      await this.scheduler.sleep(SILENCE_MS);
      return 'silence';
    }
    await this.#travel();
    const decided = decide();
    if (this.scheduler.chance(duplicate)) {
      this.scheduler.after(this.scheduler.between(0, DUPLICATE_MS_MAX), () => void this.#commit(decide()));
    }
    if (decided === undefined) {
      await this.#travel();
      return 'refused';
    }
    const isSilent = this.scheduler.chance(silence);
    const committed = this.#commit(decided);
    if (isSilent) {
      await this.scheduler.sleep(SILENCE_MS);
      return 'silence';
    }
    await committed;
    return 'applied';
  }

  /** Every partition of a table with what its replicas say together; nothing is under way any more. */
  partitions(table: Table): readonly Key[] {
    const all = this.#replicas.flatMap((replica) => replica.partitions(table));
    return [...new Map(all.map((key) => [encodeKey(table.partition, key), key])).values()];
  }

  #decide(table: Table, partition: Key, transaction: Transaction, nonce: number): Decided | undefined {
    this.#finish(table, partition);
    const at = { table, partition };
    const plain = this.#quorum().map((replica) => replica.headCell(at, 'seq'));
    const current = merge([...plain, this.#decisions.headCell(at, 'seq')]);
    const sequence = current?.value === undefined ? undefined : decodeSequence(current.value);
    if (sequence !== transaction.ifSequence) return undefined;
    const name = nameOf(table, partition);
    const ballot = Math.max((this.#lastBallot.get(name) ?? 0) + 1, Math.floor(this.scheduler.nowMs * 1000) + 1_000_000);
    this.#lastBallot.set(name, ballot);
    const { head, ttlSeconds, rows = [] } = transaction;
    const mutation: Mutation = {
      table,
      partition,
      timestamp: ballot,
      head: {
        seq: head === undefined ? undefined : encodeSequence(head.sequence),
        head: head === undefined ? undefined : encodeHead({ ...head, nonce }),
      },
      headExpiresAtMs: ttlSeconds === undefined ? undefined : this.scheduler.nowMs + ttlSeconds * 1000,
      rows,
    };
    this.#decisions.apply(mutation);
    const decided = { mutation, appliedTo: new Set<number>() };
    this.#unfinished.set(name, [...(this.#unfinished.get(name) ?? []), decided]);
    return decided;
  }

  async #commit(decided: Decided | undefined): Promise<void> {
    if (decided === undefined) return;
    await this.#spread(decided.mutation, (index) => decided.appliedTo.add(index));
  }

  /** Brings to a quorum what was decided of a partition and has not got there. */
  #finish(table: Table, partition: Key): void {
    const name = nameOf(table, partition);
    for (const { mutation, appliedTo } of this.#unfinished.get(name) ?? []) {
      for (const index of this.#order()) {
        if (appliedTo.size >= QUORUM) break;
        if (appliedTo.has(index)) continue;
        this.#replicas[index]?.apply(mutation);
        appliedTo.add(index);
      }
    }
    this.#unfinished.delete(name);
  }

  /** Sends a mutation to every replica; resolves when a quorum has it. */
  #spread(mutation: Mutation, onApplied: (index: number) => void): Promise<void> {
    const { loss, hintMsMax, duplicate, delayMsMax } = this.#weather;
    return new Promise((resolve) => {
      let acknowledged = 0;
      for (const [index, replica] of this.#replicas.entries()) {
        const isLost = this.#down.has(index) || this.scheduler.chance(loss);
        const delayMs = this.scheduler.between(0, delayMsMax) + (isLost ? this.scheduler.between(0, hintMsMax) : 0);
        this.scheduler.after(delayMs, () => {
          replica.apply(mutation);
          onApplied(index);
          acknowledged++;
          if (acknowledged === QUORUM) this.scheduler.after(this.scheduler.between(0, delayMsMax), resolve);
        });
        if (this.scheduler.chance(duplicate)) {
          this.scheduler.after(this.scheduler.between(0, DUPLICATE_MS_MAX), () => replica.apply(mutation));
        }
      }
    });
  }

  #quorum(): readonly Replica[] {
    return this.#order()
      .slice(0, QUORUM)
      .flatMap((index) => this.#replicas[index] ?? []);
  }

  /** The replicas that are up, in some order. */
  #order(): readonly number[] {
    const up = [0, 1, 2].filter((index) => !this.#down.has(index));
    const start = Math.floor(this.scheduler.random() * up.length);
    return [...up.slice(start), ...up.slice(0, start)];
  }

  #travel(): Promise<void> {
    return this.scheduler.sleep(this.scheduler.between(0, this.#weather.delayMsMax));
  }
}

function nameOf(table: Table, partition: Key): string {
  return `${table.name}/${encodeKey(table.partition, partition)}`;
}

function merge(cells: readonly (Cell | undefined)[]): Cell | undefined {
  return cells.reduce<Cell | undefined>((best, cell) => (cell === undefined ? best : newerCell(best, cell)), undefined);
}

function repairHead(
  replica: Replica,
  { table, partition, name, cell }: { table: Table; partition: Key; name: HeadCell; cell: Cell },
): void {
  const head = { [name]: cell.value };
  replica.apply({ table, partition, timestamp: cell.timestamp, head, headExpiresAtMs: cell.expiresAtMs });
}

function mergeRows(table: Table, replicas: readonly Replica[], partition: Key, slice: Slice): readonly RowCell[] {
  const merged = new Map<string, RowCell>();
  const whole = { ...slice, isReverse: false };
  for (const replica of replicas) {
    for (const { key, cell } of replica.rowCells(table, partition, whole)) {
      const name = encodeKey(table.clustering, key);
      merged.set(name, { key, cell: newerCell(merged.get(name)?.cell, cell) });
    }
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
