import {
  type BucketId,
  parseBucketName,
  parseObjectKey,
  parseUploadId,
  parseVersionId,
} from '../../../src/domain/names.ts';
import type { ListedVersion, ObjectVersion, StoredObject } from '../../../src/domain/object-version.ts';
import type { Part } from '../../../src/domain/upload.ts';
import { readBody } from '../../../src/operations/read-object.ts';
import type { CallOptions } from '../../../src/stores/store.ts';
import type { RegionStores, Stores } from '../../../src/stores/stores.ts';
import { Content } from '../content.ts';
import type { Expectation, KeyExpectation, KnownVersion, UploadExpectation } from './load-history.ts';
import { BUCKETS } from './recorded-load.ts';

/** More versions and parts than any load makes. */
const PAGE = 10_000;

/** Reads every version and every open upload that there is, and says what is not as it was acknowledged. */
export async function findUnexpected(
  stores: Stores,
  expected: Expectation,
  options: CallOptions,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const buckets = new Set([...Object.values(BUCKETS), ...expected.buckets]);
  for (const name of buckets) {
    const bucket = await stores.buckets.getBucket(must(parseBucketName(name)), options);
    if (bucket === undefined) {
      if (expected.buckets.includes(name)) problems.push(`Bucket ${name} is gone.`);
      continue;
    }
    if (expected.versionedBuckets.includes(name) && bucket.configuration.versioning !== 'enabled')
      problems.push(`Bucket ${name} keeps no versions any more.`);
    const region = must(stores.regions.get(bucket.region));
    const check = new BucketCheck({ region, bucketId: bucket.id, options });
    problems.push(...(await check.findUnexpectedVersions(expected.keys.filter((key) => key.bucket === name))));
    for (const upload of expected.uploads) {
      if (upload.bucket === name) problems.push(...(await check.findUnexpectedParts(upload)));
    }
  }
  return problems;
}

class BucketCheck {
  readonly #region: RegionStores;
  readonly #bucketId: BucketId;
  readonly #options: CallOptions;

  constructor(at: {
    readonly region: RegionStores;
    readonly bucketId: BucketId;
    readonly options: CallOptions;
  }) {
    this.#region = at.region;
    this.#bucketId = at.bucketId;
    this.#options = at.options;
  }

  async findUnexpectedVersions(expected: readonly KeyExpectation[]): Promise<readonly string[]> {
    const range = { bucketId: this.#bucketId, prefix: '', from: undefined, limit: PAGE };
    const listed = await this.#region.meta.listVersions(range, this.#options);
    const objects = await this.#region.meta.listObjects(range, this.#options);
    const byKey = Map.groupBy(listed.toReversed(), ({ key }) => String(key));
    const shown = new Set(objects.map(({ key }) => String(key)));
    const problems: string[] = [];
    for (const { key, possible } of expected) {
      const versions = byKey.get(key) ?? [];
      byKey.delete(key);
      problems.push(...(await this.#findContradictions(key, versions, possible)));
      const isShown = versions.at(-1)?.kind === 'object';
      if (isShown !== shown.has(key)) problems.push(`${key} ${isShown ? 'is not' : 'is'} listed among the objects.`);
    }
    for (const [key, versions] of byKey) problems.push(`${key} has ${told(versions)}, and was never written.`);
    return problems;
  }

  /** Nothing, where one of the possibilities is what is there. */
  async #findContradictions(
    key: string,
    versions: readonly ListedVersion[],
    possible: KeyExpectation['possible'],
  ): Promise<readonly string[]> {
    const problems: string[] = [];
    for (const known of possible.filter((candidate) => areSame(candidate, versions))) {
      const wrong = await Promise.all(known.map((version) => this.#findWrongBytes(key, version)));
      if (wrong.flat().length === 0) return [];
      problems.push(...wrong.flat());
    }
    if (problems.length > 0) return problems;
    return [`${key} has ${told(versions)}, not ${possible.map(told).join(' or ')}.`];
  }

  async findUnexpectedParts({ key, uploadId, isOpen, parts }: UploadExpectation): Promise<readonly string[]> {
    const at = { bucketId: this.#bucketId, key: must(parseObjectKey(key)), uploadId: parseUploadId(uploadId) };
    const upload = await this.#region.meta.getUpload(at, this.#options);
    const isFoundOpen = upload?.state.kind === 'open';
    if (isOpen !== 'maybe' && isFoundOpen !== (isOpen === 'yes'))
      return [`Upload ${uploadId} of ${key} is ${isFoundOpen ? '' : 'not '}open.`];
    if (!isFoundOpen) return [];
    const found = await this.#region.meta.listParts(at, { afterPartNumber: 0, limit: PAGE }, this.#options);
    const etags = new Map(found.map((part) => [part.partNumber, `"${part.etag}"`]));
    const wrong = parts.filter(({ partNumber, etags: allowed }) => !allowed.includes(etags.get(partNumber)));
    const unsound = await Promise.all(found.map((part) => this.#findUnsoundPart(uploadId, part)));
    return [
      ...wrong.map(({ partNumber, etags: allowed }) => {
        const wanted = allowed.map((etag) => etag ?? 'nothing').join(' or ');
        return `Part ${partNumber} of upload ${uploadId} is ${etags.get(partNumber) ?? 'nothing'}, not ${wanted}.`;
      }),
      ...unsound.flat(),
    ];
  }

  async #findUnsoundPart(uploadId: string, { partNumber, body }: Part): Promise<readonly string[]> {
    if (body === undefined) return [];
    const condition = await this.#region.blobs.get(body.storageClass)?.verify(body, { deep: true }, this.#options);
    return condition === 'sound' ? [] : [`Part ${partNumber} of upload ${uploadId} is ${condition}.`];
  }

  async #findWrongBytes(key: string, { versionId, content }: KnownVersion): Promise<readonly string[]> {
    const version = await this.#getVersion(key, versionId);
    if (content === undefined) return [];
    if (version?.kind !== 'object') return [`Version ${versionId} of ${key} is listed, and not there.`];
    const wanted = new Content(content.id, content.sizeBytes);
    if (version.sizeBytes !== wanted.sizeBytes || !(await this.#has(version, wanted)))
      return [`Version ${versionId} of ${key} has wrong bytes.`];
    return [];
  }

  async #getVersion(key: string, versionId: string): Promise<ObjectVersion | undefined> {
    const { meta } = this.#region;
    return await meta.getVersion(
      { bucketId: this.#bucketId, key: must(parseObjectKey(key)), versionId: parseVersionId(versionId) },
      this.#options,
    );
  }

  async #has(version: StoredObject, wanted: Content): Promise<boolean> {
    const range = { offsetBytes: 0, lengthBytes: version.sizeBytes };
    const context = { region: this.#region, signal: this.#options.signal };
    let at = 0;
    for await (const piece of readBody(context, version, range)) {
      if (!wanted.has(piece, at)) return false;
      at += piece.length;
    }
    return at === wanted.sizeBytes;
  }
}

function areSame(known: readonly KnownVersion[], listed: readonly ListedVersion[]): boolean {
  return (
    known.length === listed.length &&
    known.every(({ versionId, content }, index) => {
      const version = listed[index];
      return version?.versionId === versionId && (version.kind === 'object') === (content !== undefined);
    })
  );
}

function told(versions: readonly { readonly versionId: string }[]): string {
  return versions.length === 0 ? 'nothing' : versions.map(({ versionId }) => versionId).join(', ');
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('A name of the load is none that a store takes.');
  return value;
}
