import type { BucketId, ObjectKey } from '../domain/names.ts';
import type { ListedVersion } from '../domain/object-version.ts';
import type { ListPosition, Metastore } from '../stores/metastore.ts';
import type { CallOptions } from '../stores/store.ts';

const PAGE_VERSIONS = 1_000;
/** Most versions of one key that are held at once. */
const VERSIONS_PER_KEY_MAX = 100_000;

/** Every version of one key, delete markers among them, the oldest first. */
export interface KeyVersions {
  readonly key: ObjectKey;
  readonly versions: readonly ListedVersion[];
}

/** The keys of a bucket in order, each with its versions; a page of rows at a time. Throws `StoreError`. */
export async function* versionsByKey(
  meta: Metastore,
  bucketId: BucketId,
  options: CallOptions,
): AsyncGenerator<KeyVersions> {
  let versions: ListedVersion[] = [];
  for await (const row of allVersions(meta, bucketId, options)) {
    const [first] = versions;
    if (first !== undefined && first.key !== row.key) {
      yield { key: first.key, versions: versions.toReversed() };
      versions = [];
    }
    if (versions.length === VERSIONS_PER_KEY_MAX) {
      throw new RangeError(`The key ${JSON.stringify(row.key)} has more than ${VERSIONS_PER_KEY_MAX} versions.`);
    }
    versions.push(row);
  }
  const [first] = versions;
  if (first !== undefined) yield { key: first.key, versions: versions.toReversed() };
}

async function* allVersions(meta: Metastore, bucketId: BucketId, options: CallOptions): AsyncGenerator<ListedVersion> {
  let from: ListPosition | undefined;
  for (;;) {
    const page = await meta.listVersions({ bucketId, prefix: '', from, limit: PAGE_VERSIONS }, options);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_VERSIONS) return;
    from = { kind: 'after-version', key: last.key, versionId: last.versionId };
  }
}
