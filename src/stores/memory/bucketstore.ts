import type { Bucket } from '../../domain/bucket.ts';
import type { BucketId, BucketName } from '../../domain/names.ts';
import { compareUtf8 } from '../../domain/utf8-order.ts';
import type {
  BucketRange,
  Bucketstore,
  BucketUpdate,
  CreateBucketOutcome,
  UpdateBucketOutcome,
} from '../bucketstore.ts';
import type { CallOptions } from '../store.ts';

/** A bucketstore in a Map. A list costs all buckets. */
export class MemoryBucketstore implements Bucketstore {
  readonly description = 'memory: nothing survives the process';
  readonly #buckets = new Map<BucketName, Bucket>();

  async getBucket(name: BucketName, { signal }: CallOptions): Promise<Bucket | undefined> {
    signal.throwIfAborted();
    return this.#buckets.get(name);
  }

  async createBucket(bucket: Bucket, { signal }: CallOptions): Promise<CreateBucketOutcome> {
    signal.throwIfAborted();
    const existing = this.#buckets.get(bucket.name);
    if (existing !== undefined) return { kind: 'exists', bucket: existing };
    this.#buckets.set(bucket.name, bucket);
    return { kind: 'created' };
  }

  async updateBucket(update: BucketUpdate, { signal }: CallOptions): Promise<UpdateBucketOutcome> {
    signal.throwIfAborted();
    const existing = this.#buckets.get(update.name);
    if (existing?.id !== update.id) return { kind: 'gone' };
    if (existing.revision !== update.revision) return { kind: 'changed', bucket: existing };
    const bucket = { ...existing, configuration: update.configuration, revision: existing.revision + 1 };
    this.#buckets.set(update.name, bucket);
    return { kind: 'updated', bucket };
  }

  async removeBucket({ name, id }: { name: BucketName; id: BucketId }, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    if (this.#buckets.get(name)?.id === id) this.#buckets.delete(name);
  }

  async listBuckets(range: BucketRange, { signal }: CallOptions): Promise<readonly Bucket[]> {
    signal.throwIfAborted();
    const { tenant, prefix, after, limit } = range;
    return [...this.#buckets.values()]
      .filter(
        ({ name, owner }) =>
          (tenant === undefined || owner.tenant === tenant) &&
          name.startsWith(prefix) &&
          (after === undefined || compareUtf8(name, after) > 0),
      )
      .sort((a, b) => compareUtf8(a.name, b.name))
      .slice(0, limit);
  }

  async checkWritable({ signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
  }

  /** Forgets every bucket. */
  reset(): void {
    this.#buckets.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.reset();
  }
}
