import { createHash } from 'node:crypto';
import type { Owner } from '../../src/domain/bucket.ts';
import { UNCONDITIONAL, type WriteCondition } from '../../src/domain/condition.ts';
import { etagOfMd5, parseETag } from '../../src/domain/etag.ts';
import {
  type BucketId,
  type ObjectKey,
  parseBucketId,
  parseObjectKey,
  parseStorageClass,
  parseTenantId,
  type StorageClass,
} from '../../src/domain/names.ts';
import { DEFAULT_ATTRIBUTES } from '../../src/domain/object-version.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import { StoreError } from '../../src/stores/store.ts';
import { ABSENT, type Expectation, type Response, type Value } from './history.ts';
import type { Subject } from './workload.ts';

const OWNER: Owner = { tenant: parseTenantId('tenant'), displayName: 'tenant' };

/** A metastore as the subject of a history: the objects of one bucket, bodies inline. */
export class StoreSubject implements Subject {
  readonly #store: Metastore;
  readonly #bucketId: BucketId;
  readonly #signal = new AbortController().signal;

  constructor(store: Metastore, bucketId: BucketId = parseBucketId('0'.repeat(32))) {
    this.#store = store;
    this.#bucketId = bucketId;
  }

  get(key: string): Promise<Response> {
    return answer(async () => {
      const at = { bucketId: this.#bucketId, key: objectKey(key) };
      const version = await this.#store.getVersion(at, { signal: this.#signal });
      return { kind: 'value', value: version?.kind === 'object' ? version.etag : ABSENT };
    });
  }

  async put(
    key: string,
    { seed, expected }: { seed: string; expected: Expectation | undefined },
  ): Promise<{ value: Value; response: Response }> {
    const bytes = Buffer.from(`${key} ${seed}`);
    const etag = etagOfMd5(createHash('md5').update(bytes).digest());
    const draft = {
      key: objectKey(key),
      slot: 'null',
      lastModifiedMs: 0,
      etag,
      sizeBytes: bytes.length,
      checksum: undefined,
      body: { kind: 'inline', bytes },
      headers: {},
      userMetadata: [],
      storageClass: STANDARD,
      owner: OWNER,
      attributes: DEFAULT_ATTRIBUTES,
    } as const;
    const response = await answer(async () => {
      const outcome = await this.#store.putVersion(this.#bucketId, draft, conditionOf(expected), {
        signal: this.#signal,
      });
      return outcome.kind === 'stored' ? { kind: 'done' } : { kind: 'refused' };
    });
    return { value: etag, response };
  }

  delete(key: string, expected: Expectation | undefined): Promise<Response> {
    return answer(async () => {
      const draft = { key: objectKey(key), mode: 'remove', lastModifiedMs: 0, owner: OWNER } as const;
      const outcome = await this.#store.deleteCurrent(this.#bucketId, draft, conditionOf(expected), {
        signal: this.#signal,
      });
      return outcome.kind === 'deleted' ? { kind: 'done' } : { kind: 'refused' };
    });
  }

  async list(): Promise<ReadonlyMap<string, Value>> {
    const range = { bucketId: this.#bucketId, prefix: '', from: undefined, limit: 1000 };
    const rows = await this.#store.listObjects(range, { signal: this.#signal });
    return new Map(rows.map((row) => [row.key, row.etag]));
  }
}

const STANDARD: StorageClass = required(parseStorageClass('STANDARD'));

function objectKey(key: string): ObjectKey {
  return required(parseObjectKey(key));
}

function conditionOf(expected: Expectation | undefined): WriteCondition {
  if (expected === undefined) return UNCONDITIONAL;
  if (expected.kind === 'absent') return { ifNoneMatch: '*' };
  return { ifMatch: [required(parseETag(expected.value))] };
}

/** An answer that failed leaves open whether a write took effect, unless the store says that it did not. */
async function answer(ask: () => Promise<Response>): Promise<Response> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof StoreError) return { kind: 'in-doubt' };
    throw error;
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The test needs a valid name here.');
  return value;
}
