import { type Client, type Host, type QueryOptions, types } from 'cassandra-driver';
import { type CallOptions, StoreError } from '../store.ts';
import type { Key, KeyValue } from './cells.ts';
import { type ClusterFacts, clockOffset, connectClient, inspectCluster, type KeyspaceOptions } from './cluster.ts';
import { type Levels, levelProblems } from './consistency.ts';
import { storeErrorOf } from './driver-errors.ts';
import { levelCode } from './level-code.ts';
import { untilAborted } from './until-aborted.ts';

/** One request, for the metrics. */
export interface RequestReport {
  readonly keyspace: string;
  readonly table: string;
  readonly operation: 'read' | 'serial-read' | 'write' | 'transaction' | 'scan';
  readonly outcome: 'ok' | 'unavailable' | 'in-doubt' | 'storage-full' | 'corrupt';
  readonly durationMs: number;
}

export interface SessionHooks {
  readonly onRequest?: (report: RequestReport) => void;
}

/** One statement, and how it is to be sent. */
export interface Statement {
  readonly query: string;
  readonly params: readonly unknown[];
}

export interface SendOptions extends CallOptions {
  readonly table: string;
  readonly operation: RequestReport['operation'];
  readonly level: keyof Levels | 'one';
  /** The node that is to answer; else the driver chooses one. */
  readonly host?: Host;
  readonly fetchSize?: number;
  readonly pageState?: string | undefined;
}

/** Requests under way at one time, and those that wait for their turn. */
const IN_FLIGHT_MAX = 512;
const WAITING_MAX = 20_000;
/** From one look at the cluster's clock to the next, in milliseconds. */
const CLOCK_INTERVAL_MS = 60_000;

/**
 * A keyspace that this process is connected to. Sends single requests, at most so many at a time, and says of each
 * failure what it means; what to repeat is decided above.
 */
export class CassandraSession implements AsyncDisposable {
  readonly client: Client;
  readonly options: KeyspaceOptions;
  readonly facts: ClusterFacts;
  readonly #hooks: SessionHooks;
  readonly #waiting: (() => void)[] = [];
  readonly #clock: NodeJS.Timeout;
  #inFlight = 0;
  #clockOffsetMs: number;

  /** Connects. Throws `StoreError` with one sentence that says what to do. */
  static async connect(options: KeyspaceOptions, hooks: SessionHooks = {}): Promise<CassandraSession> {
    const facts = await inspectCluster(options);
    const { localDataCentre } = facts;
    const [problem] = levelProblems({ ...options, localDataCentre });
    if (problem !== undefined) throw new StoreError('unavailable', `Keyspace ${options.keyspace}: ${problem}`);
    const client = await connectClient(options, localDataCentre);
    return new CassandraSession(client, options, facts, hooks);
  }

  constructor(client: Client, options: KeyspaceOptions, facts: ClusterFacts, hooks: SessionHooks) {
    this.client = client;
    this.options = options;
    this.facts = facts;
    this.#hooks = hooks;
    this.#clockOffsetMs = facts.clockOffsetMs;
    this.#clock = setInterval(() => void this.#readClock(), CLOCK_INTERVAL_MS);
    this.#clock.unref();
  }

  /** What the cluster's clock is ahead of this process', in milliseconds. */
  clockOffsetMs(): number {
    return this.#clockOffsetMs;
  }

  /** The nodes that have a partition; all of them where that cannot be told. */
  replicas(partition: Key): readonly Host[] {
    const token = routingKey(partition);
    const found: readonly Host[] | null = this.client.getReplicas(this.options.keyspace, token);
    return found ?? this.client.hosts.values();
  }

  /** Sends one statement. Throws `StoreError`, `in-doubt` only for writes. */
  async send({ query, params }: Statement, options: SendOptions): Promise<types.ResultSet> {
    const { fetchSize, pageState, host } = options;
    return await this.#request(options, (queryOptions) =>
      this.client.execute(query, params.map(driverValue), {
        ...queryOptions,
        ...(host === undefined ? {} : { host }),
        ...(fetchSize === undefined ? {} : { fetchSize }),
        ...(pageState === undefined ? {} : { pageState }),
      }),
    );
  }

  /** Sends statements of one partition as one write. */
  async sendAll(statements: readonly Statement[], options: SendOptions): Promise<types.ResultSet> {
    const [only] = statements;
    if (only !== undefined && statements.length === 1) return await this.send(only, options);
    const queries = statements.map(({ query, params }) => ({ query, params: params.map(driverValue) }));
    return await this.#request(options, (queryOptions) =>
      this.client.batch(queries, { ...queryOptions, logged: false }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#clock);
    await this.client.shutdown();
  }

  async #request(
    options: SendOptions,
    send: (queryOptions: QueryOptions) => Promise<types.ResultSet>,
  ): Promise<types.ResultSet> {
    const { table, operation, signal } = options;
    const kind = operation === 'write' || operation === 'transaction' ? operation : 'read';
    await this.#enter(signal);
    const startedAt = performance.now();
    let outcome: RequestReport['outcome'] | undefined = 'ok';
    try {
      // Were the driver to send a write again, its last failure would hide what the first one left in doubt.
      const running = send({ prepare: true, isIdempotent: kind === 'read', ...this.#levelsOf(options) });
      // Its place is free when it has ended, not when nobody waits for it any more.
      const ended = running.finally(() => this.#leave());
      ended.catch(ignore);
      return await untilAborted(ended, signal);
    } catch (error) {
      // Nobody waits for it any more, and its outcome is not known yet.
      outcome = undefined;
      signal.throwIfAborted();
      // The driver's way of saying that a value does not fit its column.
      if (error instanceof TypeError) throw error;
      const failure = storeErrorOf(error, kind);
      outcome = failure.kind;
      throw failure;
    } finally {
      const durationMs = performance.now() - startedAt;
      const { keyspace } = this.options;
      if (outcome !== undefined) this.#hooks.onRequest?.({ keyspace, table, operation, outcome, durationMs });
    }
  }

  #levelsOf({ level, operation }: SendOptions): QueryOptions {
    const { levels } = this.options;
    const serialConsistency = levelCode(levels.serial);
    if (level === 'serial') return { consistency: serialConsistency, serialConsistency };
    const consistency = level === 'one' ? types.consistencies.localOne : levelCode(levels[level]);
    return operation === 'transaction' ? { consistency, serialConsistency } : { consistency };
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#inFlight < IN_FLIGHT_MAX) {
      this.#inFlight++;
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) {
      throw new StoreError('unavailable', `${WAITING_MAX} requests wait for Cassandra: it is overloaded.`);
    }
    const turn = Promise.withResolvers<void>();
    this.#waiting.push(turn.resolve);
    try {
      await untilAborted(turn.promise, signal);
    } catch (error) {
      // The turn of who has given up comes all the same, and is the next one's.
      void turn.promise.then(() => this.#leave());
      throw error;
    }
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inFlight--;
    else next();
  }

  async #readClock(): Promise<void> {
    try {
      this.#clockOffsetMs = await clockOffset(this.client, this.options.nowMs);
    } catch (error) {
      // The offset of before is as good as any while the cluster is away.
      ignore(error);
    }
  }
}

/** The driver takes bytes as a `Buffer` only. */
function driverValue(value: unknown): unknown {
  if (!(value instanceof Uint8Array) || Buffer.isBuffer(value)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** A partition key as the partitioner sees it: one column's bytes; of several their length, bytes and a zero each. */
function routingKey(partition: Key): Buffer {
  const [only] = partition;
  return partition.length === 1 && only !== undefined ? keyBytes(only) : Buffer.concat(partition.map(routingPart));
}

function keyBytes(value: KeyValue): Buffer {
  return Buffer.from(
    typeof value === 'string' ? Buffer.from(value) : typeof value === 'number' ? bigintBytes(value) : value,
  );
}

function routingPart(value: KeyValue): Buffer {
  const bytes = keyBytes(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes, Buffer.alloc(1)]);
}

function bigintBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(Math.floor(value / 2 ** 32), 0);
  bytes.writeUInt32BE(value >>> 0, 4);
  return bytes;
}

function ignore(_error: unknown): void {
  // Told where it is awaited.
}
