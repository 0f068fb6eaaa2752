import { hash } from 'node:crypto';
import type { Bucket } from '../../domain/bucket.ts';
import type { BucketId, BucketName, TenantId } from '../../domain/names.ts';
import type {
  BucketRange,
  Bucketstore,
  BucketUpdate,
  CreateBucketOutcome,
  UpdateBucketOutcome,
} from '../bucketstore.ts';
import { BUCKET_ROW_BYTES_MAX, readBucket, writeBucket } from '../rows/bucket-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import type { CallOptions } from '../store.ts';
import type { EmbeddedDatabase } from './database.ts';
import { DecodedRows } from './decoded-rows.ts';
import { NO_VALUE } from './meta-tables.ts';
import { prefixRange } from './row-keys.ts';
import type { RowRange, Table } from './table.ts';

/** Longest name of a bucket, in bytes: no prefix or position needs to be longer. */
const NAME_BYTES_MAX = 63;

/** The bucketstore of a directory. */
export class EmbeddedBucketstore implements Bucketstore {
  readonly description: string;
  readonly #database: EmbeddedDatabase;
  /** [name] → bucket. */
  readonly #buckets: Table;
  /** [hash of the tenant][name] → nothing. */
  readonly #byTenant: Table;
  readonly #byName: DecodedRows<BucketName, Bucket>;

  constructor(database: EmbeddedDatabase) {
    this.description = `${database.description}, bucketstore`;
    this.#database = database;
    const { buckets, byTenant } = database.openTables((open) => ({
      buckets: open('buckets'),
      byTenant: open('bucketsByTenant'),
    }));
    this.#buckets = buckets;
    this.#byTenant = byTenant;
    this.#byName = new DecodedRows(buckets, decodeBucket);
  }

  async getBucket(name: BucketName, { signal }: CallOptions): Promise<Bucket | undefined> {
    signal.throwIfAborted();
    return this.#database.read(() => this.#byName.get(name));
  }

  async createBucket(bucket: Bucket, { signal }: CallOptions): Promise<CreateBucketOutcome> {
    return await this.#database.write<CreateBucketOutcome>(
      (change) => {
        const existing = this.#byName.get(bucket.name);
        if (existing !== undefined) return { kind: 'exists', bucket: existing };
        change.put(this.#buckets, Buffer.from(bucket.name), encodeBucket(bucket));
        change.put(this.#byTenant, tenantKey(bucket.owner.tenant, bucket.name), NO_VALUE);
        return { kind: 'created' };
      },
      { signal, needsSpace: true },
    );
  }

  async updateBucket(update: BucketUpdate, { signal }: CallOptions): Promise<UpdateBucketOutcome> {
    return await this.#database.write<UpdateBucketOutcome>(
      (change) => {
        const existing = this.#byName.get(update.name);
        if (existing?.id !== update.id) return { kind: 'gone' };
        if (existing.revision !== update.revision) return { kind: 'changed', bucket: existing };
        const bucket = { ...existing, configuration: update.configuration, revision: existing.revision + 1 };
        change.put(this.#buckets, Buffer.from(bucket.name), encodeBucket(bucket));
        return { kind: 'updated', bucket };
      },
      { signal, needsSpace: true },
    );
  }

  async removeBucket({ name, id }: { name: BucketName; id: BucketId }, { signal }: CallOptions): Promise<void> {
    await this.#database.write(
      (change) => {
        const existing = this.#byName.get(name);
        if (existing?.id !== id) return;
        change.remove(this.#buckets, Buffer.from(name));
        change.remove(this.#byTenant, tenantKey(existing.owner.tenant, name));
      },
      { signal, needsSpace: false },
    );
  }

  async listBuckets(range: BucketRange, { signal }: CallOptions): Promise<readonly Bucket[]> {
    signal.throwIfAborted();
    const { tenant, limit } = range;
    const names = nameRange(range);
    if (names === undefined || limit <= 0) return [];
    return this.#database.read(() => {
      if (tenant === undefined) {
        return Array.from(this.#buckets.range({ ...names, limit }), ({ value }) => decodeBucket(value));
      }
      const start = tenantKey(tenant, '');
      const ofTenant = { start: Buffer.concat([start, names.start]), end: Buffer.concat([start, names.end]), limit };
      const keys = Array.from(this.#byTenant.keys(ofTenant), (key) => key.subarray(start.length));
      return keys.flatMap((key) => this.#buckets.get(key) ?? []).map(decodeBucket);
    });
  }

  async checkWritable(options: CallOptions): Promise<void> {
    await this.#database.checkWritable(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The database is its owner's to close.
  }
}

/** The names that start with `prefix`, after `after`; names are ASCII. */
function nameRange({ prefix, after }: BucketRange): RowRange | undefined {
  if (prefix.length > NAME_BYTES_MAX) return undefined;
  const names = prefix === '' ? { start: Buffer.of(1), end: Buffer.of(0xff) } : prefixRange(Buffer.from(prefix));
  if (after === undefined) return names;
  // The first key after `after`; a longer text is cut where no name reaches.
  const position = Buffer.from(`${after}\0`).subarray(0, NAME_BYTES_MAX + 1);
  if (Buffer.compare(position, names.end) >= 0) return undefined;
  return Buffer.compare(position, names.start) > 0 ? { start: position, end: names.end } : names;
}

/** A tenant's id may be of any length: its hash keeps the key short and no tenant's names within another's. */
function tenantKey(tenant: TenantId, name: string): Buffer {
  return Buffer.concat([hash('sha256', tenant, 'buffer'), Buffer.from(name)]);
}

function encodeBucket(bucket: Bucket): Buffer {
  const row = new RowWriter({ bytesMax: BUCKET_ROW_BYTES_MAX });
  writeBucket(row, bucket);
  return row.finish();
}

function decodeBucket(value: Buffer): Bucket {
  return readBucket(new RowReader(value));
}
