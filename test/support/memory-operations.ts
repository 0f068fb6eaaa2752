import { randomBytes } from 'node:crypto';
import type { AccessKey } from '../../src/domain/access-key.ts';
import { etagOfMd5 } from '../../src/domain/etag.ts';
import type { Identity } from '../../src/domain/identity.ts';
import {
  type BucketName,
  parseAccessKeyId,
  parseBlobId,
  parseBucketId,
  parseBucketName,
  parseObjectKey,
  parseRegionName,
  parseStorageClass,
  parseTenantId,
  type RegionName,
  type StorageClass,
} from '../../src/domain/names.ts';
import { DEFAULT_ATTRIBUTES } from '../../src/domain/object-version.ts';
import { Secret } from '../../src/domain/secret.ts';
import { identityOf } from '../../src/http/auth/make-identity.ts';
import type { AnyOperation, OpenBucket, OperationContext } from '../../src/operations/operation.ts';
import type { ReplyBody } from '../../src/operations/reply.ts';
import type { RequestBody, S3Request } from '../../src/operations/request.ts';
import type { Blobstore } from '../../src/stores/blobstore.ts';
import { MemoryBlobstore } from '../../src/stores/memory/blobstore.ts';
import { MemoryBucketstore } from '../../src/stores/memory/bucketstore.ts';
import { MemoryKeystore } from '../../src/stores/memory/keystore.ts';
import { MemoryMetastore } from '../../src/stores/memory/metastore.ts';
import type { VersionSlot } from '../../src/stores/metastore.ts';
import type { RegionStores, Stores } from '../../src/stores/stores.ts';
import { parseXml, type XmlElement } from '../../src/xml/parse.ts';
import { headerMap } from './s3-request.ts';

export interface CallRequest {
  readonly bucket?: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Who asks; `alice` unless said. */
  readonly as?: Identity;
}

export interface CallResult {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly xml: XmlElement | undefined;
}

/** Operations called directly, without HTTP, on stores in memory: for what a client cannot bring about. */
export class MemoryOperations {
  readonly stores: Stores;
  nowMs = Date.UTC(2026, 0, 31, 12, 0, 0, 250);

  /** The first region is the default one. */
  constructor(regionNames: readonly string[] = ['us-east-1']) {
    const regions = new Map<RegionName, RegionStores>();
    for (const text of regionNames) {
      const name = must(parseRegionName(text));
      const blobs = new Map<StorageClass, Blobstore>([[STANDARD, new MemoryBlobstore()]]);
      regions.set(name, { name, meta: new MemoryMetastore({ nowMs: () => this.nowMs }), blobs });
    }
    const [defaultRegion] = regions.keys();
    this.stores = {
      keys: new MemoryKeystore([]),
      buckets: new MemoryBucketstore(),
      defaultRegion: must(defaultRegion),
      regions,
    };
  }

  /** What the operation answers; rejects with the S3Error where it throws one. */
  async call(operation: AnyOperation, { as = ALICE, ...request }: CallRequest = {}): Promise<CallResult> {
    const s3Request = makeRequest(request);
    const context = await this.#context(operation, s3Request.bucket, as);
    const input = operation.parse(s3Request);
    const reply = operation.render(await operation.run(context, input), s3Request);
    return { status: reply.status, headers: new Map(reply.headers), xml: xmlOf(reply.body) };
  }

  /** Puts an object of no bytes. */
  async put(bucketText: string, keyText: string, slot: VersionSlot = 'null'): Promise<string> {
    const { bucket, region } = await this.#openBucket(must(parseBucketName(bucketText)));
    const draft = {
      key: must(parseObjectKey(keyText)),
      slot,
      lastModifiedMs: this.nowMs,
      etag: etagOfMd5(Buffer.from('d41d8cd98f00b204e9800998ecf8427e', 'hex')),
      sizeBytes: 0,
      checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'AAAAAA==' },
      body: { kind: 'inline', bytes: new Uint8Array() },
      ...this.#description(),
    } as const;
    const outcome = await region.meta.putVersion(bucket.id, draft, {}, CALL);
    if (outcome.kind !== 'stored') throw new Error(`The put ended as ${outcome.kind}.`);
    return outcome.version.versionId;
  }

  /** Opens a multipart upload. */
  async upload(bucketText: string, keyText: string): Promise<string> {
    const { bucket, region } = await this.#openBucket(must(parseBucketName(bucketText)));
    const checksum = { algorithm: 'CRC32', type: 'COMPOSITE', requested: true } as const;
    const key = must(parseObjectKey(keyText));
    const draft = { key, initiatedAtMs: this.nowMs, checksum, ...this.#description() };
    const outcome = await region.meta.createUpload(bucket.id, draft, CALL);
    if (outcome.kind !== 'created') throw new Error(`The upload ended as ${outcome.kind}.`);
    return outcome.upload.uploadId;
  }

  #description() {
    const owner = { tenant: parseTenantId('alice'), displayName: 'Alice' };
    return { headers: {}, userMetadata: [], storageClass: STANDARD, owner, attributes: DEFAULT_ATTRIBUTES };
  }

  async #context(operation: AnyOperation, name: BucketName | undefined, identity: Identity): Promise<OperationContext> {
    const base: OperationContext = {
      identity,
      stores: this.stores,
      readPins: { begin: () => ({ [Symbol.dispose]: () => undefined }), [Symbol.asyncDispose]: async () => undefined },
      clock: { nowMs: () => this.nowMs },
      ids: { bucketId: () => parseBucketId(randomId()), blobId: () => parseBlobId(randomId()) },
      signal: CALL.signal,
      defaultObjectOwnership: 'ObjectWriter',
      openBucket: (other) => this.#openBucket(other),
    };
    if (operation.scope === 'service' || operation.scope === 'new-bucket') return base;
    return { ...base, ...(await this.#openBucket(must(name))) };
  }

  async #openBucket(name: BucketName): Promise<OpenBucket> {
    const refresh = async () => {
      const bucket = await this.stores.buckets.getBucket(name, CALL);
      if (bucket === undefined) throw new Error(`There is no bucket ${name}.`);
      return bucket;
    };
    const bucket = await refresh();
    const region = must(this.stores.regions.get(bucket.region));
    return {
      bucket,
      region,
      refresh,
      requireAccess: () => undefined,
      isAllowed: () => true,
      isForbidden: () => false,
      wouldAllow: () => true,
    };
  }
}

export const ALICE = userOf('alice', 'Alice');
export const BOB = userOf('bob', 'Bob');

/** The text of the child `name`; `undefined` where there is none. */
export function textOf(parent: XmlElement | undefined, name: string): string | undefined {
  return parent?.children.find((child) => child.name === name)?.text;
}

/** The texts of `inner` in each child `outer`, in order. */
export function textsOf(parent: XmlElement | undefined, outer: string, inner: string): (string | undefined)[] {
  return (parent?.children ?? []).filter(({ name }) => name === outer).map((child) => textOf(child, inner));
}

const STANDARD = must(parseStorageClass('STANDARD'));
const CALL = { signal: new AbortController().signal };

function userOf(tenant: string, displayName: string): Identity {
  const key: AccessKey = {
    accessKeyId: must(parseAccessKeyId(tenant)),
    secret: new Secret('secret'),
    tenant: parseTenantId(tenant),
    displayName,
    master: false,
    memberOf: [],
  };
  return identityOf(key);
}

function makeRequest({ bucket, key, query = {}, headers = {}, body = '' }: CallRequest): S3Request {
  return {
    method: 'GET',
    bucket: bucket === undefined ? undefined : must(parseBucketName(bucket)),
    key: key === undefined ? undefined : must(parseObjectKey(key)),
    query: headerMap(query),
    headers: headerMap(headers),
    body: bodyOf(body),
    baseUrl: 'http://127.0.0.1:9000',
  };
}

function bodyOf(text: string): RequestBody {
  const bytes = Buffer.from(text);
  return {
    declaredBytes: bytes.length,
    trailers: new Map(),
    announcedTrailers: [],
    async *[Symbol.asyncIterator]() {
      yield bytes;
    },
  };
}

function xmlOf(body: ReplyBody): XmlElement | undefined {
  return body.kind === 'xml' ? parseXml(Buffer.from(body.text)) : undefined;
}

function randomId(): string {
  return randomBytes(16).toString('hex');
}

function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('The test needs a value here.');
  return value;
}
