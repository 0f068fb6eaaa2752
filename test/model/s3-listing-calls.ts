import fc from 'fast-check';
import { isoTime, ownerXml } from './s3-bucket-calls.ts';
import { type Caller, type S3Call, succeed } from './s3-call.ts';
import { pickOf } from './s3-choices.ts';
import type { Plan } from './s3-command.ts';
import { encoder, type Listing, listing, marked, optional, pageXml, queryOf, requestOf, rowsOf } from './s3-listing.ts';
import { compareBytes, type NaivePage, pageOf } from './s3-pages.ts';
import { requireBucket } from './s3-rights.ts';
import { currentObject, type NaiveBucket, type NaiveObject, type NaiveS3, type NaiveVersion } from './s3-state.ts';
import type { Xml } from './s3-xml.ts';

const REGION_HEADER = { 'x-amz-bucket-region': 'us-east-1' };
const caller = fc.constantFrom<Caller[]>('alice', 'alice', 'alice', 'bob', 'nobody');

/** Listings of objects, in both versions, and of versions. */
export const listingCalls: readonly fc.WeightedArbitrary<Plan>[] = [
  {
    weight: 8,
    arbitrary: listing.map(
      (choice): Plan =>
        (s3) =>
          listObjects(s3, choice),
    ),
  },
  {
    weight: 10,
    arbitrary: fc.tuple(listing, caller, fc.boolean(), fc.boolean()).map(
      ([choice, who, withOwner, continues]): Plan =>
        (s3) =>
          listObjectsV2(s3, { ...choice, caller: who, withOwner, continues }),
    ),
  },
  {
    weight: 10,
    arbitrary: listing.map(
      (choice): Plan =>
        (s3) =>
          listVersions(s3, choice),
    ),
  },
];

function liveObjects(bucket: NaiveBucket): readonly NaiveObject[] {
  return [...bucket.keys.keys()].flatMap((key) => currentObject(bucket, key) ?? []);
}

function afterKey(marker: string | undefined) {
  if (marker === undefined) return undefined;
  return { key: marker, isBehind: ({ key }: { readonly key: string }) => compareBytes(key, marker) > 0 };
}

/** The text with which the next page begins, where there is one. */
function nextMarker(page: NaivePage<{ readonly key: string }>): string | undefined {
  if (!page.isTruncated || page.last === undefined) return undefined;
  return page.last.kind === 'row' ? page.last.row.key : page.last.prefix;
}

function objectXml(object: NaiveObject, { withOwner }: { readonly withOwner: boolean }): readonly Xml[] {
  const { modifiedMs, etag, checksum, body, owner } = object;
  return [
    ['LastModified', isoTime(modifiedMs)],
    ['ETag', `"${etag}"`],
    ...optional('ChecksumAlgorithm', checksum?.name),
    ...optional('ChecksumType', checksum?.type),
    ['Size', String(body.length)],
    ...(withOwner ? [ownerXml('Owner', owner)] : []),
    ['StorageClass', 'STANDARD'],
  ];
}

function listObjects(s3: NaiveS3, choice: Listing): S3Call {
  const text = encoder(choice);
  return {
    request: {
      method: 'GET',
      bucket: choice.bucket,
      query: [...queryOf(choice), ...marked(['marker', choice.marker])],
    },
    answer() {
      const bucket = s3.bucket(choice.bucket);
      const page = pageOf(liveObjects(bucket), requestOf(choice), afterKey(choice.marker));
      const next = choice.delimiter === '' ? undefined : nextMarker(page);
      return succeed(200, REGION_HEADER, [
        'ListBucketResult',
        [
          ['Name', bucket.name],
          ['Marker', text(choice.marker ?? '')],
          ...optional('NextMarker', next === undefined ? undefined : text(next)),
          ...pageXml(choice, page),
          ...rowsOf(page).map(
            (object): Xml => ['Contents', [['Key', text(object.key)], ...objectXml(object, { withOwner: true })]],
          ),
        ],
      ]);
    },
  };
}

/** A token wins over `start-after`. */
function listObjectsV2(
  s3: NaiveS3,
  choice: Listing & { readonly caller: Caller; readonly withOwner: boolean; readonly continues: boolean },
): S3Call {
  const { withOwner } = choice;
  const text = encoder(choice);
  const token = choice.continues && s3.continuable?.bucket === choice.bucket ? s3.continuable : undefined;
  const query = [
    ...marked(['list-type', '2']),
    ...queryOf(choice),
    ...marked(['start-after', choice.marker], ['continuation-token', token?.label]),
    ...marked(['fetch-owner', withOwner ? 'true' : undefined]),
  ];
  return {
    request: { caller: choice.caller, method: 'GET', bucket: choice.bucket, query },
    answer() {
      const bucket = requireBucket(s3, choice.bucket, choice.caller, 'READ');
      const page = pageOf(liveObjects(bucket), requestOf(choice), afterKey(token?.marker ?? choice.marker));
      const next = nextMarker(page);
      const label = next === undefined ? undefined : s3.label('token');
      if (next !== undefined && label !== undefined) s3.continuable = { bucket: bucket.name, label, marker: next };
      return succeed(200, REGION_HEADER, [
        'ListBucketResult',
        [
          ['Name', bucket.name],
          ...optional('ContinuationToken', token?.label),
          ...optional('NextContinuationToken', label),
          ...optional('StartAfter', choice.marker === undefined ? undefined : text(choice.marker)),
          ['KeyCount', String(page.items.length)],
          ...pageXml(choice, page),
          ...rowsOf(page).map(
            (object): Xml => ['Contents', [['Key', text(object.key)], ...objectXml(object, { withOwner })]],
          ),
        ],
      ]);
    },
  };
}

/**
 * A version marker goes on behind what was made after it, whether it is still there or not. Where a null version stood
 * that is gone cannot be told: the listing begins again at the newest of its key.
 */
function listVersions(s3: NaiveS3, choice: Listing): S3Call {
  const text = encoder(choice);
  const at = choice.pick % 3 === 0 ? undefined : pickOf(s3.versions, choice.pick);
  const keyMarker = choice.marker === undefined ? undefined : (at?.key ?? choice.marker);
  const versionMarker = keyMarker === undefined ? undefined : at?.id;
  const query = [
    ...marked(['versions', '']),
    ...queryOf(choice),
    ...marked(['key-marker', keyMarker], ['version-id-marker', versionMarker]),
  ];
  return {
    request: { method: 'GET', bucket: choice.bucket, query },
    answer() {
      const bucket = s3.bucket(choice.bucket);
      const order =
        versionMarker === undefined ? undefined : orderOf(s3, bucket, { key: keyMarker, id: versionMarker });
      const isBehind = ({ key, order: made }: NaiveVersion) =>
        compareBytes(key, keyMarker ?? '') > 0 || (key === keyMarker && order !== undefined && made < order);
      const marker = keyMarker === undefined ? undefined : { key: keyMarker, isBehind };
      const page = pageOf([...bucket.keys.values()].flat(), requestOf(choice), marker);
      return succeed(200, REGION_HEADER, [
        'ListVersionsResult',
        [
          ['Name', bucket.name],
          ['KeyMarker', text(keyMarker ?? '')],
          ['VersionIdMarker', versionMarker ?? ''],
          ...nextVersionXml(page, text),
          ...pageXml(choice, page),
          ...rowsOf(page).map((version) => versionXml(bucket, version, text)),
        ],
      ]);
    },
  };
}

function orderOf(
  s3: NaiveS3,
  bucket: NaiveBucket,
  { key, id }: { readonly key: string | undefined; readonly id: string },
): number {
  const there = bucket.keys.get(key ?? '')?.find((version) => version.id === id);
  if (id === 'null') return there?.order ?? Number.POSITIVE_INFINITY;
  return s3.versions.find((version) => version.id === id)?.order ?? 0;
}

function nextVersionXml(page: NaivePage<NaiveVersion>, text: (key: string) => string): readonly Xml[] {
  if (!page.isTruncated || page.last === undefined) return [];
  if (page.last.kind === 'prefix') return [['NextKeyMarker', text(page.last.prefix)]];
  const { key, id } = page.last.row;
  return [
    ['NextKeyMarker', text(key)],
    ['NextVersionIdMarker', id],
  ];
}

function versionXml(bucket: NaiveBucket, version: NaiveVersion, text: (key: string) => string): Xml {
  const { key, id } = version;
  const named: readonly Xml[] = [
    ['Key', text(key)],
    ['VersionId', id],
    ['IsLatest', String(bucket.keys.get(key)?.[0] === version)],
  ];
  if (version.kind === 'object') return ['Version', [...named, ...objectXml(version, { withOwner: true })]];
  return ['DeleteMarker', [...named, ['LastModified', isoTime(version.modifiedMs)], ownerXml('Owner', version.owner)]];
}

/** The marker of an upload counts only beside one of a key. */
