import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, crc32c } from '@node-rs/crc32';
import { expect, test } from 'vitest';
import {
  blobDraft,
  collect,
  deleteDraft,
  guardAt,
  inlineDraft,
  intendBlob,
  must,
  newBucketId,
  OPTIONS,
  put,
  stored,
} from '../../../test/contract/drafts.ts';
import { TestClock } from '../../../test/contract/subject.ts';
import { completionOf, openUpload, partOf, putParts, stateOf } from '../../../test/contract/upload-steps.ts';
import { makeTempDir } from '../../../test/support/temp-dir.ts';
import type { BucketId } from '../../domain/names.ts';
import { DEFAULT_ATTRIBUTES } from '../../domain/object-version.ts';
import type { VersionAddress, VersionDraft } from '../metastore.ts';
import { openDatabase } from './database.ts';
import { METADATA_FILE } from './environment.ts';
import { encodeHead, type Head, readHead } from './heads.ts';
import { type MetaTables, openMetaTables } from './meta-tables.ts';
import { EmbeddedMetastore } from './metastore.ts';
import { numberKey, objectRowKey } from './row-keys.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const CORRUPT = expect.objectContaining({ name: 'StoreError', kind: 'corrupt' });
/** The row of the version with sequence 7, whose inline body has a CRC32C, as the code before CRC32 wrote it. */
const EARLIER_ROW = Buffer.from(
  '0100000000070080d0eab6b7330674656e616e740654656e616e742064343164386364393866303062323034653938303039393865' +
    '6366383432376513085354414e4441524400000000008abf8cf501137772697474656e20776974682043524333324300645a7e9b',
  'hex',
);

test.each([0, 1, 127, 128, 129, 4071, 4072, 4073, 4096, 4072 + 128, 4072 + 129, 8144, 16_384])(
  'an inline body of %i bytes reads as it was written, and goes with its version',
  async (sizeBytes) => {
    await using fixture = await openFixture();
    const { store } = fixture;
    const bucketId = newBucketId();
    const bytes = Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
    const draft = inlineDraft('key', '', { sizeBytes, body: { kind: 'inline', bytes } });
    for (let round = 0; round < 2; round++) stored(await store.putVersion(bucketId, draft, {}, OPTIONS));
    const found = await store.getVersion({ bucketId, key: draft.key }, OPTIONS);
    expect(found).toMatchObject({ body: { kind: 'inline', bytes } });
    expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
    await store.deleteCurrent(bucketId, deleteDraft('key', 'remove'), {}, OPTIONS);
    expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
  },
);

test.each([
  ['the bytes of a body', 'body-to-find ', putDraft],
  ['the bytes of a body with a CRC32C', 'body-to-find ', putEarlierDraft],
  ['the row of a version', 'key-to-find', putDraft],
])(
  'when %s on disk are not what was written, a read is corrupt and checkConsistency says so',
  async (_, text, write) => {
    await using dir = await makeTempDir();
    const bucketId = newBucketId();
    const draft = inlineDraft('key', 'body-to-find '.repeat(50), { userMetadata: [['name', 'key-to-find']] });
    const at = { bucketId, key: draft.key };
    {
      await using fixture = await openStore(dir.path);
      await write(fixture, bucketId, draft);
      expect(await fixture.store.getVersion(at, OPTIONS)).toMatchObject({ body: draft.body });
      expect(await collect(fixture.store.checkConsistency(OPTIONS))).toEqual([]);
    }
    const path = join(dir.path, METADATA_FILE);
    const file = await readFile(path);
    for (let place = file.indexOf(text); place !== -1; place = file.indexOf(text, place + 1))
      file[place] = must(file[place]) ^ 1;
    await writeFile(path, file);
    await using fixture = await openStore(dir.path);
    await expect(fixture.store.getVersion(at, OPTIONS)).rejects.toThrow(CORRUPT);
    const sentences = await collect(fixture.store.checkConsistency(OPTIONS));
    expect(sentences).toContainEqual(expect.stringContaining('cannot be read'));
    expect(await collect(fixture.store.scanVersions(OPTIONS))).toEqual([]);
  },
);

test('a row whose inline body has a CRC32C is read, and keeps it when its attributes change', async () => {
  await using fixture = await openFixture();
  const at = { bucketId: newBucketId(), key: inlineDraft('key').key };
  await fixture.putRow('current', objectRowKey(at.bucketId, at.key), EARLIER_ROW);
  const body = { kind: 'inline', bytes: new Uint8Array(Buffer.from('written with CRC32C')) };
  const found = must(await fixture.store.getVersion(at, OPTIONS));
  expect(found).toMatchObject({ body });
  const attributes = { ...DEFAULT_ATTRIBUTES, legalHold: true };
  await fixture.store.updateAttributes({ ...at, versionId: found.versionId }, { attributes, revision: 0 }, OPTIONS);
  expect(await fixture.store.getVersion(at, OPTIONS)).toMatchObject({ body, attributes });
});

test('an inline body is written with a CRC32 of the sequence of its version and its bytes', async () => {
  await using fixture = await openFixture();
  const draft = inlineDraft('key', 'x'.repeat(5000));
  const bucketId = newBucketId();
  await putDraft(fixture, bucketId, draft);
  const { version } = fixture.head({ bucketId, key: draft.key });
  const checksum = crc32(bytesOf(draft), crc32(numberKey(version.sequence)));
  expect(version).toMatchObject({ body: { kind: 'inline', algorithm: 'CRC32', checksum } });
});

test.each([
  ['a CRC32', putDraft],
  ['a CRC32C', putEarlierDraft],
])('an inline body with %s in the place of another is corrupt', async (_, write) => {
  await using fixture = await openFixture();
  const bucketId = newBucketId();
  const [one, other] = ['one', 'other'].map((key) => inlineDraft(key, key.padEnd(1000)));
  for (const draft of [must(one), must(other)]) await write(fixture, bucketId, draft);
  const at = { bucketId, key: must(other).key };
  await fixture.putRow('inline', numberKey(fixture.head(at).version.sequence, 0), bytesOf(must(one)));
  await expect(fixture.store.getVersion(at, OPTIONS)).rejects.toThrow(CORRUPT);
});

test('metastores of one database share nothing', async () => {
  await using dir = await makeTempDir();
  await using database = await openDatabase({ directory: dir.path, durability: 'strict', diskFreeBytesMin: 0 });
  const [one, other] = ['us-east-1', 'eu-west-1'].map(
    (name) => new EmbeddedMetastore(database, { name, nowMs: () => NOW_MS }),
  );
  const bucketId = newBucketId();
  const version = await put(must(one), bucketId, 'key', { text: 'body' });
  expect(await must(other).getVersion({ bucketId, key: version.key }, OPTIONS)).toBeUndefined();
});

test('an inline body may be longer where that is configured, and is refused beyond', async () => {
  await using dir = await makeTempDir();
  await using database = await openDatabase({ directory: dir.path, durability: 'strict', diskFreeBytesMin: 0 });
  const store = new EmbeddedMetastore(database, { name: 'r', inlineBytesMax: 10, nowMs: () => NOW_MS });
  const longer = inlineDraft('key', 'x'.repeat(11));
  await expect(store.putVersion(newBucketId(), longer, {}, OPTIONS)).rejects.toThrow(RangeError);
  await put(store, newBucketId(), 'key', { text: 'x'.repeat(10) });
});

test('a deleted object of 1,000 parts is reclaimable at once, and its blobs are listed a page at a time', async () => {
  await using fixture = await openFixture();
  const { store } = fixture;
  const at = await openUpload(store, newBucketId(), 'key');
  const parts = await Promise.all(
    Array.from({ length: 1000 }, async (_, index) => {
      const part = partOf(index + 1, { sizeBytes: 10, body: await intendBlob(store, NOW_MS, 10) });
      await store.putPart(at, part, OPTIONS);
      return part;
    }),
  );
  const outcome = await store.completeUpload(at, completionOf(parts), {}, OPTIONS);
  const version = outcome.kind === 'completed' ? outcome.version : undefined;
  await store.deleteVersion({ ...at, versionId: must(version).versionId }, guardAt(NOW_MS), OPTIONS);
  expect(await stateOf(store, parts[0])).toBe('reclaimable');
  expect(await stateOf(store, parts[999])).toBe('reclaimable');
  expect(await collect(store.scanReferences(OPTIONS))).toEqual([]);
  expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);

  const listed = new Set<string>();
  for (;;) {
    const page = await store.listReclaimable({ beforeMs: NOW_MS + 1, nowMs: NOW_MS, limit: 300 }, OPTIONS);
    if (page.length === 0) break;
    expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
    for (const { id } of page) listed.add(id);
    await store.forgetReclaimed(
      page.map(({ id }) => id),
      OPTIONS,
    );
  }
  expect(listed).toEqual(new Set(parts.map(({ body }) => must(body).id)));
  expect(await stateOf(store, parts[0])).toBe('unknown');
});

test('a blob that a released manifest and a version held rests from the moment the later of them went', async () => {
  let nowMs = NOW_MS;
  await using dir = await makeTempDir();
  await using database = await openDatabase({ directory: dir.path, durability: 'strict', diskFreeBytesMin: 0 });
  const store = new EmbeddedMetastore(database, { name: 'r', nowMs: () => nowMs });
  const bucketId = newBucketId();
  const at = await openUpload(store, bucketId, 'key');
  const blob = await intendBlob(store, nowMs, 10);
  const part = partOf(1, { sizeBytes: 10, body: blob });
  await store.putPart(at, part, OPTIONS);
  await store.completeUpload(at, completionOf([part]), {}, OPTIONS);
  stored(await store.putVersion(bucketId, blobDraft('copy', blob), {}, OPTIONS));
  await store.deleteCurrent(bucketId, deleteDraft('key', 'remove'), {}, OPTIONS);
  nowMs += 1000;
  expect(await store.listReclaimable({ beforeMs: nowMs + 1, nowMs, limit: 10 }, OPTIONS)).toEqual([]);
  expect(await store.getBlobState(blob.id, OPTIONS)).toBe('referenced');
  await store.deleteCurrent(bucketId, deleteDraft('copy', 'remove'), {}, OPTIONS);
  expect(await store.listReclaimable({ beforeMs: nowMs, nowMs, limit: 10 }, OPTIONS)).toEqual([]);
  expect(await store.listReclaimable({ beforeMs: nowMs + 1, nowMs, limit: 10 }, OPTIONS)).toEqual([blob]);
});

test('the uploads of a closed bucket are swept together, whatever their keys', async () => {
  await using fixture = await openFixture();
  const { store } = fixture;
  const bucketId = newBucketId();
  const uploads = await Promise.all(['a', 'a', 'a', 'b'].map((key) => openUpload(store, bucketId, key)));
  for (const at of uploads) await putParts({ store, clock: new TestClock() }, at, [1]);
  expect(await store.closeBucket(bucketId, OPTIONS)).toBe('closed');
  expect(await store.sweepUploads({ completedBeforeMs: 0, limit: 3 }, OPTIONS)).toBe(3);
  expect(await store.sweepUploads({ completedBeforeMs: 0, limit: 3 }, OPTIONS)).toBe(1);
  expect(await store.sweepUploads({ completedBeforeMs: 0, limit: 3 }, OPTIONS)).toBe(0);
  expect(await store.listReclaimable({ beforeMs: NOW_MS + 1, nowMs: NOW_MS, limit: 10 }, OPTIONS)).toHaveLength(4);
  expect(await collect(store.checkConsistency(OPTIONS))).toEqual([]);
});

interface Fixture extends AsyncDisposable {
  readonly store: EmbeddedMetastore;
  head(at: VersionAddress): Head;
  putRow(table: keyof MetaTables, key: Buffer, row: Uint8Array): Promise<void>;
}

async function putDraft({ store }: Fixture, bucketId: BucketId, draft: VersionDraft): Promise<void> {
  stored(await store.putVersion(bucketId, draft, {}, OPTIONS));
}

/** As releases before CRC32 did. */
async function putEarlierDraft(fixture: Fixture, bucketId: BucketId, draft: VersionDraft): Promise<void> {
  await putDraft(fixture, bucketId, draft);
  const head = fixture.head({ bucketId, key: draft.key });
  const { version } = head;
  if (version.kind !== 'object' || version.body.kind !== 'inline') throw new TypeError('This is no inline body.');
  const checksum = crc32c(bytesOf(draft), crc32c(numberKey(version.sequence)));
  const body = { ...version.body, algorithm: 'CRC32C', checksum } as const;
  const row = encodeHead({ ...head, version: { ...version, body } });
  await fixture.putRow('current', objectRowKey(bucketId, draft.key), row);
}

function bytesOf({ body }: VersionDraft): Uint8Array {
  if (body.kind !== 'inline') throw new TypeError('This is no inline body.');
  return body.bytes;
}

async function openStore(directory: string): Promise<Fixture> {
  const database = await openDatabase({ directory, durability: 'strict', diskFreeBytesMin: 0 });
  const store = new EmbeddedMetastore(database, { name: 'us-east-1', nowMs: () => NOW_MS });
  const tables = openMetaTables(database, 'us-east-1');
  return {
    store,
    head: ({ bucketId, key }) => database.read(() => must(readHead(tables, bucketId, key))),
    putRow: (table, key, row) =>
      database.write((change) => change.put(tables[table], key, row), { ...OPTIONS, needsSpace: false }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

async function openFixture(): Promise<Fixture> {
  const dir = await makeTempDir();
  const { [Symbol.asyncDispose]: close, ...fixture } = await openStore(dir.path);
  return {
    ...fixture,
    async [Symbol.asyncDispose]() {
      await close();
      await dir[Symbol.asyncDispose]();
    },
  };
}
