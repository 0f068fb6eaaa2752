import { hash } from 'node:crypto';
import type { Bucket } from '../../domain/bucket.ts';
import type { BucketName, TenantId } from '../../domain/names.ts';
import type { BucketRange } from '../bucketstore.ts';
import { BUCKET_ROW_BYTES_MAX, readBucket, writeBucket } from '../rows/bucket-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { type CallOptions, StoreError } from '../store.ts';
import type { Background } from './background.ts';
import type { Cells, Row, Slice } from './cells.ts';
import { bufferOf } from './key-head.ts';
import type { Change, Register } from './register.ts';
import type { StoreClock } from './store-clock.ts';
import { BUCKET_BY_TENANT } from './tables.ts';

/** Longest name of a bucket, in characters, which are ASCII: no prefix or position needs to be longer. */
const NAME_LENGTH_MAX = 63;
/** Sorts after every name that begins as it does. */
const AFTER_NAMES = '\u{10ffff}';
/** Rows that are read at one time, and marks among them that are looked into at one time. */
const ROWS_PER_READ = 1_000;
const MARKS_PER_READ = 32;
/** A mark that is older belongs to a step whose process is gone or sleeps, in milliseconds. */
const MARK_AGE_MS_MAX = 60_000;
/** A tenant's id of more bytes is replaced by its hash. */
const TENANT_BYTES_MAX = 512;
/** The partition of all buckets; those of tenants have a prefix. */
const EVERYONE = 'all';

const MARK = 0;
const SETTLED = 1;

/** The partitions that hold the rows of a bucket. */
type Places = readonly string[];
type Name = BucketName;

/**
 * The buckets of each tenant, and of all, by name, each with all that a list shows.
 *
 * Before the head of a name changes to sequence n its rows become marks, at timestamp n; afterwards they are settled, at
 * n + 1. Whoever meets a mark asks the head; what is settled is true, for a later change has placed a later mark. A mark
 * that nobody settles is settled by a list that meets it, once no attempt that placed it can be applied any more.
 */
export class BucketIndex {
  readonly #cells: Cells;
  readonly #clock: StoreClock;
  readonly #buckets: Register<Bucket>;
  readonly #background: Background;

  constructor(parts: {
    readonly cells: Cells;
    readonly clock: StoreClock;
    readonly buckets: Register<Bucket>;
    readonly background: Background;
  }) {
    this.#cells = parts.cells;
    this.#clock = parts.clock;
    this.#buckets = parts.buckets;
    this.#background = parts.background;
  }

  placesOf({ was, value }: Change<Bucket>): Places {
    const bucket = value ?? was;
    return bucket === undefined ? [EVERYONE] : [EVERYONE, placeOf(bucket.owner.tenant)];
  }

  /** Marks the rows of `name`. */
  async announce(name: Name, change: Change<Bucket>, options: CallOptions): Promise<void> {
    const value = encodeMark(this.#clock.nowMs());
    const write = { timestamp: change.sequence };
    await Promise.all(
      this.placesOf(change).map((place) =>
        this.#cells.write(BUCKET_BY_TENANT, [place], [{ key: [name], value }], write, options),
      ),
    );
  }

  /** Replaces the marks of `name` by what the head has at `sequence`. */
  async settle(
    name: Name,
    { sequence, value, places }: { sequence: number; value: Bucket | undefined; places: Places },
    options: CallOptions,
  ): Promise<void> {
    const write = { timestamp: sequence + 1 };
    await Promise.all(
      places.map((place) => {
        const row = { key: [name], value: belongsTo(value, place) ? encodeSettled(value) : undefined };
        return this.#cells.write(BUCKET_BY_TENANT, [place], [row], write, options);
      }),
    );
  }

  /** At most `limit` buckets by name. Costs the rows that it shows, and a read of the head for each mark. */
  async list(range: BucketRange, options: CallOptions): Promise<readonly Bucket[]> {
    options.signal.throwIfAborted();
    const place = range.tenant === undefined ? EVERYONE : placeOf(range.tenant);
    const found: Bucket[] = [];
    let slice = sliceOf(range);
    while (slice !== undefined && found.length < range.limit) {
      const limit = Math.min(ROWS_PER_READ, range.limit - found.length);
      const read = { ...options, withTimestamps: true };
      const rows = await this.#cells.readRows(BUCKET_BY_TENANT, [place], { ...slice, limit }, read);
      found.push(...(await this.#bucketsOf(rows, place, options)));
      const last = rows.at(-1);
      slice =
        last === undefined || rows.length < limit
          ? undefined
          : { ...slice, from: { key: last.key, isInclusive: false } };
    }
    return found;
  }

  async #bucketsOf(rows: readonly Row[], place: string, options: CallOptions): Promise<Bucket[]> {
    const decoded = rows.map((row) => ({ row, ...decodeRow(row.value) }));
    const marks = decoded.filter(({ kind }) => kind === 'mark');
    const asked = new Map<Row, Bucket | undefined>();
    for (let start = 0; start < marks.length; start += MARKS_PER_READ) {
      const some = marks.slice(start, start + MARKS_PER_READ);
      await Promise.all(
        some.map(async ({ row, ...mark }) => {
          if (mark.kind === 'mark') asked.set(row, await this.#ask(row, mark.atMs, place, options));
        }),
      );
    }
    return decoded.flatMap((entry) => (entry.kind === 'settled' ? entry.bucket : (asked.get(entry.row) ?? [])));
  }

  /** The bucket that the head has under a marked name, if it belongs here. */
  async #ask(row: Row, atMs: number, place: string, options: CallOptions): Promise<Bucket | undefined> {
    const name = parseName(row);
    const { sequence = 0, value } = await this.#buckets.read(name, options);
    if (sequence >= row.timestamp) {
      await this.#background.run((whileOpen) => this.settle(name, { sequence, value, places: [place] }, whileOpen));
    } else if (this.#clock.nowMs() - atMs > MARK_AGE_MS_MAX) {
      await this.#background.run((whileOpen) => this.#clean(name, row, place, whileOpen));
    }
    return belongsTo(value, place) ? value : undefined;
  }

  /** Settles the mark of an attempt that may yet be applied: from here on it cannot be. */
  async #clean(name: Name, { timestamp }: Row, place: string, options: CallOptions): Promise<void> {
    const moved = await this.#buckets.advance(name, timestamp, options);
    if (moved?.sequence === undefined) return;
    await this.settle(name, { sequence: moved.sequence, value: moved.value, places: [place] }, options);
  }
}

function placeOf(tenant: TenantId): string {
  return Buffer.byteLength(tenant) > TENANT_BYTES_MAX ? `hash:${hash('sha256', tenant)}` : `tenant:${tenant}`;
}

function belongsTo(bucket: Bucket | undefined, place: string): bucket is Bucket {
  return bucket !== undefined && (place === EVERYONE || place === placeOf(bucket.owner.tenant));
}

/** The names that start with `prefix`, after `after`; `undefined` where there can be none. */
function sliceOf({ prefix, after, limit }: BucketRange): Slice | undefined {
  if (prefix.length > NAME_LENGTH_MAX || limit <= 0) return undefined;
  const to = { key: [prefix + AFTER_NAMES], isInclusive: true };
  // A longer text is cut where no name reaches.
  const position = (after ?? '').slice(0, NAME_LENGTH_MAX + 1);
  if (position === '' && prefix === '') return { to, limit };
  if (Buffer.compare(Buffer.from(position), Buffer.from(prefix)) < 0) {
    return { from: { key: [prefix], isInclusive: true }, to, limit };
  }
  return position.startsWith(prefix) ? { from: { key: [position], isInclusive: false }, to, limit } : undefined;
}

/** A name that older rules allowed is a name. */
function parseName({ key: [name] }: Row): Name {
  if (typeof name !== 'string') throw new StoreError('corrupt', 'A row of the buckets has no name.');
  return name as BucketName;
}

type IndexRow =
  | { readonly kind: 'mark'; readonly atMs: number }
  | { readonly kind: 'settled'; readonly bucket: Bucket };

function encodeMark(atMs: number): Buffer {
  return new RowWriter().byte(MARK).integer(atMs).finish();
}

function encodeSettled(bucket: Bucket): Buffer {
  const row = new RowWriter({ bytesMax: BUCKET_ROW_BYTES_MAX }).byte(SETTLED);
  writeBucket(row, bucket);
  return row.finish();
}

function decodeRow(value: Uint8Array): IndexRow {
  const row = new RowReader(bufferOf(value));
  return row.byte() === MARK ? { kind: 'mark', atMs: row.integer() } : { kind: 'settled', bucket: readBucket(row) };
}
