import { describe, expect, test } from 'vitest';
import { etagOfMd5 } from '../../domain/etag.ts';
import { parseBlobId, parseBucketId, parseObjectKey, parseStorageClass, parseTenantId } from '../../domain/names.ts';
import { type BlobAddress, DEFAULT_ATTRIBUTES } from '../../domain/object-version.ts';
import { findContradictions } from './consistency.ts';
import { openIntent } from './reclaim.ts';
import { type BucketRows, emptyState, rowsOf, type State } from './state.ts';
import { putVersion } from './versions.ts';

const BUCKET_ID = parseBucketId('0'.repeat(32));
const STANDARD = required(parseStorageClass('STANDARD'));
const KEY = required(parseObjectKey('key'));
const OTHER_KEY = required(parseObjectKey('other'));
const BLOB: BlobAddress = { id: parseBlobId('b'.repeat(32)), storageClass: STANDARD, sizeBytes: 3 };

/** Each damage, and a word of the sentence that tells of it. */
const DAMAGES: readonly (readonly [string, (state: State, bucket: BucketRows) => void, RegExp])[] = [
  ['a blob that is forgotten', (state) => state.blobs.delete(BLOB.id), /unknown/],
  [
    'a blob that is queued',
    (state) => state.blobs.set(BLOB.id, { address: BLOB, state: { kind: 'reclaimable', queuedAtMs: 0 } }),
    /is reclaimable/,
  ],
  [
    'a blob that another row holds',
    (state) => state.blobs.set(BLOB.id, { address: BLOB, state: { kind: 'referenced', holders: new Set() } }),
    /held by 0 rows/,
  ],
  ['a blob that no row names', (_, bucket) => bucket.versions.set(KEY, []), /0 rows name it/],
  ['a key that is not listed', (_, bucket) => bucket.liveKeys.delete(KEY), /listed wrongly/],
  ['a key that is missing from the order', (_, bucket) => bucket.keys.delete(KEY), /missing from the order/],
  ['a key without a version', (_, bucket) => bucket.keys.add(OTHER_KEY), /has no version/],
];

describe('findContradictions', () => {
  test('finds none in a sound state', () => {
    expect([...findContradictions(soundState())]).toEqual([]);
  });

  test.each(DAMAGES)('finds %s', (_, damage, sentence) => {
    const state = soundState();
    damage(state, rowsOf(state, BUCKET_ID));
    expect([...findContradictions(state)].join('\n')).toMatch(sentence);
  });
});

/** One version of one key, with a blob. */
function soundState(): State {
  const state = emptyState(() => 1);
  openIntent(state, { id: BLOB.id, storageClass: STANDARD, atMs: 0 });
  const draft = {
    key: KEY,
    slot: 'null',
    lastModifiedMs: 0,
    etag: etagOfMd5(new Uint8Array(16)),
    sizeBytes: BLOB.sizeBytes,
    checksum: undefined,
    body: { kind: 'blob', blob: BLOB },
    headers: {},
    userMetadata: [],
    storageClass: STANDARD,
    owner: { tenant: parseTenantId('tenant'), displayName: 'Tenant' },
    attributes: DEFAULT_ATTRIBUTES,
  } as const;
  expect(putVersion(state, BUCKET_ID, draft, {}).kind).toBe('stored');
  return state;
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('A name of the test is not valid.');
  return value;
}
