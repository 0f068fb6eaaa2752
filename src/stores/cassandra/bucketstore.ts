import type { Bucket } from '../../domain/bucket.ts';
import type { BucketId, BucketName } from '../../domain/names.ts';
import type {
  BucketRange,
  Bucketstore,
  BucketUpdate,
  CreateBucketOutcome,
  UpdateBucketOutcome,
} from '../bucketstore.ts';
import { BUCKET_ROW_BYTES_MAX, readBucket, writeBucket } from '../rows/bucket-rows.ts';
import type { CallOptions } from '../store.ts';
import { Background } from './background.ts';
import { BucketIndex } from './bucket-index.ts';
import type { Cells } from './cells.ts';
import { type Change, Register, type RegisterPlan } from './register.ts';
import { StoreClock } from './store-clock.ts';
import { BUCKET } from './tables.ts';
import { WriteCheck } from './write-check.ts';

export interface CassandraBucketstoreOptions {
  readonly cells: Cells;
  readonly description: string;
  readonly nowMs: () => number;
  /** What the cluster's clock is ahead of this process', in milliseconds. */
  readonly offsetMs?: (() => number) | undefined;
  /** Told of work after a reply that failed; somebody else will do it. */
  readonly onBackgroundError: (error: unknown) => void;
}

/**
 * The bucketstore of a cluster: one partition a name decides who has it, and an index lists the names of each tenant,
 * and of all.
 */
export class CassandraBucketstore implements Bucketstore {
  readonly description: string;
  readonly #buckets: Register<Bucket>;
  readonly #index: BucketIndex;
  readonly #check: WriteCheck;
  readonly #background: Background;

  constructor(options: CassandraBucketstoreOptions) {
    const { cells, description } = options;
    this.description = description;
    const clock = new StoreClock(options);
    this.#background = new Background({ onError: options.onBackgroundError });
    const codec = { bytesMax: BUCKET_ROW_BYTES_MAX, write: writeBucket, read: readBucket };
    this.#buckets = new Register({ cells, table: BUCKET, clock, codec });
    this.#index = new BucketIndex({ cells, clock, buckets: this.#buckets, background: this.#background });
    this.#check = new WriteCheck({ cells, table: BUCKET });
  }

  async getBucket(name: BucketName, options: CallOptions): Promise<Bucket | undefined> {
    return (await this.#buckets.read(name, options)).value;
  }

  async createBucket(bucket: Bucket, options: CallOptions): Promise<CreateBucketOutcome> {
    return await this.#step<CreateBucketOutcome>(
      bucket.name,
      (existing) =>
        existing === undefined
          ? { kind: 'change', value: bucket, outcome: { kind: 'created' } }
          : { kind: 'answer', outcome: { kind: 'exists', bucket: existing } },
      options,
    );
  }

  async updateBucket(update: BucketUpdate, options: CallOptions): Promise<UpdateBucketOutcome> {
    const plan = (existing: Bucket | undefined): RegisterPlan<Bucket, UpdateBucketOutcome> => {
      if (existing?.id !== update.id) return { kind: 'answer', outcome: { kind: 'gone' } };
      if (existing.revision !== update.revision) {
        return { kind: 'answer', outcome: { kind: 'changed', bucket: existing } };
      }
      const bucket = { ...existing, configuration: update.configuration, revision: existing.revision + 1 };
      return { kind: 'change', value: bucket, outcome: { kind: 'updated', bucket } };
    };
    return await this.#step(update.name, plan, options);
  }

  async removeBucket({ name, id }: { name: BucketName; id: BucketId }, options: CallOptions): Promise<void> {
    await this.#step(
      name,
      (existing) =>
        existing?.id === id
          ? { kind: 'change', value: undefined, outcome: undefined }
          : { kind: 'answer', outcome: undefined },
      options,
    );
  }

  async listBuckets(range: BucketRange, options: CallOptions): Promise<readonly Bucket[]> {
    return await this.#index.list(range, options);
  }

  async checkWritable(options: CallOptions): Promise<void> {
    await this.#check.run(options);
  }

  /** Waits for what follows the replies. The session is its owner's to close. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#background[Symbol.asyncDispose]();
  }

  async #step<Outcome>(
    name: BucketName,
    plan: (existing: Bucket | undefined) => RegisterPlan<Bucket, Outcome>,
    options: CallOptions,
  ): Promise<Outcome> {
    const announce = (change: Change<Bucket>) => this.#index.announce(name, change, options);
    const { outcome, change } = await this.#buckets.step(name, { plan, announce }, options);
    if (change !== undefined) {
      const places = this.#index.placesOf(change);
      await this.#background.run((whileOpen) => this.#index.settle(name, { ...change, places }, whileOpen));
    }
    return outcome;
  }
}
