import { expect, test } from 'vitest';
import { type BucketId, parseUploadId } from '../../src/domain/names.ts';
import type { Upload } from '../../src/domain/upload.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import type { UploadRange } from '../../src/stores/uploads.ts';
import { newBucketId, OPTIONS } from './drafts.ts';
import { openFixture, type Subject } from './subject.ts';
import { openUpload } from './upload-steps.ts';

/** In UTF-8 order. */
const KEYS = ['a', 'a/1', 'a/2', 'a0', 'b', 'b\uffff', 'b\u{10000}', 'b\u{10ffff}', 'c', '\u{10ffff}'];

export function describeUploadListings(subject: Subject<Metastore>): void {
  test('open uploads are listed by key in UTF-8 bytes, then by id', async () => {
    await using fixture = await openFixture(subject);
    const { bucketId, uploads } = await fill(fixture.store);
    await openUpload(fixture.store, newBucketId(), 'other');
    expect(await list(fixture.store, { bucketId })).toEqual(uploads);
  });

  test.each([1, 2, 3, 19, 20, 21])('pages of %i uploads give every upload once', async (limit) => {
    await using fixture = await openFixture(subject);
    const { bucketId, uploads } = await fill(fixture.store);
    const listed: string[] = [];
    let after: UploadRange['after'];
    for (;;) {
      const range = { bucketId, prefix: '', after, limit };
      const page = await fixture.store.listUploads(range, OPTIONS);
      listed.push(...page.map(nameOf));
      const last = page.at(-1);
      if (last === undefined || page.length < limit) break;
      after = { key: last.key, uploadId: last.uploadId };
    }
    expect(listed).toEqual(uploads);
  });

  test('a list keeps to its prefix and its position', async () => {
    await using fixture = await openFixture(subject);
    const { bucketId, uploads } = await fill(fixture.store);
    const bytes = (text: string): Buffer => Buffer.from(text);
    const keyOfName = (name: string): string => name.slice(0, name.indexOf(' '));
    for (const prefix of ['', 'a', 'a/', 'b', 'b\u{10ffff}', 'x']) {
      const within = uploads.filter((name) => name.startsWith(prefix));
      for (const text of [...KEYS, '\0', 'a/', 'a/3', 'bz', 'zz']) {
        const afterKey = within.filter((name) => Buffer.compare(bytes(keyOfName(name)), bytes(text)) > 0);
        const listed = await list(fixture.store, { bucketId, prefix, after: { key: text, uploadId: undefined } });
        expect(listed, JSON.stringify({ prefix, after: text })).toEqual(afterKey);
        const afterPrefix = afterKey.filter((name) => !name.startsWith(text));
        const past = await list(fixture.store, { bucketId, prefix, afterPrefix: text });
        expect(past, JSON.stringify({ prefix, afterPrefix: text })).toEqual(afterPrefix);
      }
    }
  });

  test('afterPrefix wins over after', async () => {
    await using fixture = await openFixture(subject);
    const { bucketId, uploads } = await fill(fixture.store);
    const after = { key: 'zzz', uploadId: undefined };
    const listed = await list(fixture.store, { bucketId, after, afterPrefix: 'a' });
    expect(listed).toEqual(uploads.filter((name) => !name.startsWith('a')));
  });

  test('a list goes on after an upload that is gone', async () => {
    await using fixture = await openFixture(subject);
    const { bucketId, uploads } = await fill(fixture.store);
    const [first] = await fixture.store.listUploads({ bucketId, prefix: '', after: undefined, limit: 1 }, OPTIONS);
    if (first === undefined) throw new TypeError('Nothing is listed.');
    await fixture.store.abortUpload({ bucketId, ...first }, OPTIONS);
    const after = { key: first.key, uploadId: first.uploadId };
    expect(await list(fixture.store, { bucketId, after })).toEqual(uploads.slice(1));
    const nonsense = { key: 'zz', uploadId: parseUploadId('nonsense') };
    expect(await list(fixture.store, { bucketId, after: nonsense })).toEqual(uploads.slice(-2));
  });
}

/** Two uploads of each key, made in no order; the names of `uploads` stand as they should be listed. */
async function fill(store: Metastore): Promise<{ bucketId: BucketId; uploads: readonly string[] }> {
  const bucketId = newBucketId();
  const ids = new Map<string, string[]>();
  for (const key of [...[...KEYS].reverse(), ...KEYS]) {
    const { uploadId } = await openUpload(store, bucketId, key);
    ids.set(key, [...(ids.get(key) ?? []), uploadId]);
  }
  return { bucketId, uploads: KEYS.flatMap((key) => (ids.get(key) ?? []).map((id) => `${key} ${id}`)) };
}

async function list(
  store: Metastore,
  range: Pick<UploadRange, 'bucketId'> & Partial<UploadRange>,
): Promise<readonly string[]> {
  const uploads = await store.listUploads({ prefix: '', after: undefined, limit: 1000, ...range }, OPTIONS);
  for (const upload of uploads) expect(upload.state).toEqual({ kind: 'open' });
  return uploads.map(nameOf);
}

function nameOf({ key, uploadId }: Upload): string {
  return `${key} ${uploadId}`;
}
