import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import type { Blobstore } from '../../src/stores/blobstore.ts';
import { digest, listIds, pattern, readAll, streamOf, whole, writeBlob } from './blob-steps.ts';
import { collect, newBlobId, OPTIONS } from './drafts.ts';
import { openFixture, type Subject } from './subject.ts';

const CHUNK_BYTES = 256 * 1024;
const MIB = 1024 ** 2;

/** Every sentence of `Blobstore`. Register it in a vitest file. */
export function blobstoreContract(subject: Subject<Blobstore>): void {
  describe(`Blobstore of ${subject.engine}`, () => {
    describeRoundTrips(subject);
    describeRanges(subject);
    describeAbsence(subject);
    describeFailures(subject);
    describeSignals(subject);
    if (subject.isDamageable === true) describeDamage(subject);
    if (subject.isShared) describeSharing(subject);
    if (subject.isDurable) describeDurability(subject);
  });
}

function describeRoundTrips(subject: Subject<Blobstore>): void {
  test.each([0, 1, 4096, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 4 * CHUNK_BYTES, MIB + 1, 3 * MIB - 1])(
    'a blob of %i bytes reads as it was written',
    async (sizeBytes) => {
      await using fixture = await openFixture(subject);
      const bytes = pattern(sizeBytes);
      const blob = await writeBlob(fixture.store, bytes);
      expect(blob.sizeBytes).toBe(sizeBytes);
      expect(digest(await readAll(fixture.store, blob))).toBe(digest(bytes));
    },
  );

  test.each([1, 7, 1000, 65_536, CHUNK_BYTES + 1])('a body in pieces of %i bytes is one blob', async (pieceBytes) => {
    await using fixture = await openFixture(subject);
    const bytes = pattern(pieceBytes < 100 ? 3000 : 3 * CHUNK_BYTES);
    const blob = await writeBlob(fixture.store, bytes, pieceBytes);
    expect(digest(await readAll(fixture.store, blob))).toBe(digest(bytes));
  });

  test('a body with empty pieces in it is written without them', async () => {
    await using fixture = await openFixture(subject);
    const id = newBlobId();
    const empty = new Uint8Array();
    await fixture.store.write(id, streamOf([empty, pattern(10), empty, empty, pattern(5), empty]), OPTIONS);
    const expected = Buffer.concat([pattern(10), pattern(5)]);
    expect(await readAll(fixture.store, { id, sizeBytes: 15 })).toEqual(new Uint8Array(expected));
  });

  test('a body may use its buffer again once it is asked for the next piece', async () => {
    await using fixture = await openFixture(subject);
    const id = newBlobId();
    async function* body(): AsyncIterable<Uint8Array> {
      const buffer = new Uint8Array(1000);
      for (let fill = 1; fill <= 400; fill++) yield buffer.fill(fill);
    }
    await fixture.store.write(id, body(), OPTIONS);
    const bytes = await readAll(fixture.store, { id, sizeBytes: 400_000 });
    const wrongAt = bytes.findIndex((byte, index) => byte !== ((Math.floor(index / 1000) + 1) & 0xff));
    expect(wrongAt).toBe(-1);
  });

  test('many blobs written at once stay apart', async () => {
    await using fixture = await openFixture(subject);
    const bodies = Array.from({ length: 20 }, (_, index) => pattern(CHUNK_BYTES - 10 + index, index));
    const blobs = await Promise.all(bodies.map((bytes) => writeBlob(fixture.store, bytes, 65_536)));
    const read = await Promise.all(blobs.map((blob) => readAll(fixture.store, blob)));
    expect(read.map(digest)).toEqual(bodies.map(digest));
  });

  test('a body of 64 MiB streams in and out', async () => {
    await using fixture = await openFixture(subject);
    const sizeBytes = 64 * MIB;
    const piece = pattern(MIB);
    const expected = createHash('sha256');
    let peakBytes = 0;
    async function* body(): AsyncIterable<Uint8Array> {
      const beforeBytes = bufferBytesInUse();
      for (let sentBytes = 0; sentBytes < sizeBytes; sentBytes += piece.length) {
        if (sentBytes % (8 * MIB) === 0) peakBytes = Math.max(peakBytes, bufferBytesInUse() - beforeBytes);
        expected.update(piece);
        yield piece;
      }
    }
    const id = newBlobId();
    expect(await fixture.store.write(id, body(), OPTIONS)).toEqual({ sizeBytes });
    const actual = createHash('sha256');
    const range = { offsetBytes: 0, lengthBytes: sizeBytes };
    for await (const bytes of fixture.store.read({ id, sizeBytes }, range, OPTIONS)) actual.update(bytes);
    expect(actual.digest('hex')).toBe(expected.digest('hex'));
    // A few chunks of it are in memory, unless memory is where the engine keeps it.
    if (subject.isDurable) expect(peakBytes).toBeLessThan(16 * MIB);
  });
}

function describeRanges(subject: Subject<Blobstore>): void {
  test('a range gives exactly its bytes, at every edge of a chunk', async () => {
    await using fixture = await openFixture(subject);
    const sizeBytes = 4 * CHUNK_BYTES + 100;
    const bytes = pattern(sizeBytes);
    const blob = await writeBlob(fixture.store, bytes, 100_000);
    const edges = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 4 * CHUNK_BYTES, sizeBytes - 1, sizeBytes];
    for (const start of edges) {
      for (const end of edges.filter((edge) => edge >= start)) {
        const range = { offsetBytes: start, lengthBytes: end - start };
        const read = Buffer.concat(await collect(fixture.store.read(blob, range, OPTIONS)));
        expect(read.equals(bytes.subarray(start, end)), `bytes ${start} to ${end}`).toBe(true);
      }
    }
  });

  test('a range gives exactly its bytes, wherever near 256 KiB a chunk of the engine ends', async () => {
    await using fixture = await openFixture(subject);
    const bytes = pattern(2 * CHUNK_BYTES + 100);
    const blob = await writeBlob(fixture.store, bytes);
    for (const edge of [CHUNK_BYTES, 2 * CHUNK_BYTES]) {
      for (let start = edge - 40; start < edge + 10; start++) {
        for (const lengthBytes of [1, 25]) {
          const range = { offsetBytes: start, lengthBytes };
          const read = Buffer.concat(await collect(fixture.store.read(blob, range, OPTIONS)));
          expect(read.equals(bytes.subarray(start, start + lengthBytes)), `${lengthBytes} bytes at ${start}`).toBe(
            true,
          );
        }
      }
    }
  });

  test('a range of no bytes gives none', async () => {
    await using fixture = await openFixture(subject);
    const blob = await writeBlob(fixture.store, pattern(100));
    for (const offsetBytes of [0, 50, 100]) {
      const read = await collect(fixture.store.read(blob, { offsetBytes, lengthBytes: 0 }, OPTIONS));
      expect(Buffer.concat(read)).toHaveLength(0);
    }
  });

  test('one blob may be read many times at once', async () => {
    await using fixture = await openFixture(subject);
    const bytes = pattern(MIB);
    const blob = await writeBlob(fixture.store, bytes);
    const read = await Promise.all(Array.from({ length: 8 }, () => readAll(fixture.store, blob)));
    expect(new Set(read.map(digest))).toEqual(new Set([digest(bytes)]));
  });

  test('a reading whose blob is deleted meanwhile goes on to the end or is corrupt, and gives no wrong byte', async () => {
    await using fixture = await openFixture(subject);
    const bytes = pattern(3 * MIB);
    const blob = await writeBlob(fixture.store, bytes, CHUNK_BYTES);
    const read: Uint8Array[] = [];
    const reading = async (): Promise<void> => {
      for await (const piece of fixture.store.read(blob, whole(blob), OPTIONS)) {
        if (read.length === 0) await fixture.store.delete(blob.id, OPTIONS);
        read.push(Uint8Array.from(piece));
      }
      expect(Buffer.concat(read)).toHaveLength(bytes.length);
    };
    await reading().catch((error: unknown) => expect(error).toMatchObject({ kind: 'corrupt' }));
    const all = Buffer.concat(read);
    expect(digest(all)).toBe(digest(bytes.subarray(0, all.length)));
    expect(await fixture.store.verify(blob, { deep: false }, OPTIONS)).toBe('missing');
  });

  test('a reading that is left early harms no other', async () => {
    await using fixture = await openFixture(subject);
    const bytes = pattern(2 * MIB);
    const blob = await writeBlob(fixture.store, bytes, CHUNK_BYTES);
    for (let round = 0; round < 20; round++) {
      for await (const _ of fixture.store.read(blob, whole(blob), OPTIONS)) break;
    }
    expect(digest(await readAll(fixture.store, blob))).toBe(digest(bytes));
  });
}

function describeAbsence(subject: Subject<Blobstore>): void {
  test('reading a blob that is missing throws corrupt', async () => {
    await using fixture = await openFixture(subject);
    const blob = { id: newBlobId(), sizeBytes: 10 };
    await expect(readAll(fixture.store, blob)).rejects.toMatchObject({ name: 'StoreError', kind: 'corrupt' });
  });

  test('reading a blob that is shorter than it should be throws corrupt', async () => {
    await using fixture = await openFixture(subject);
    const { id, sizeBytes } = await writeBlob(fixture.store, pattern(CHUNK_BYTES + 10));
    const blob = { id, sizeBytes: sizeBytes + 1 };
    await expect(readAll(fixture.store, blob)).rejects.toMatchObject({ name: 'StoreError', kind: 'corrupt' });
  });

  test.each([false, true])('verify (deep: %s) tells sound from missing and from a wrong length', async (deep) => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const blob = await writeBlob(store, pattern(2 * CHUNK_BYTES + 10));
    expect(await store.verify(blob, { deep }, OPTIONS)).toBe('sound');
    expect(await store.verify({ ...blob, sizeBytes: blob.sizeBytes + 1 }, { deep }, OPTIONS)).toBe('corrupt');
    expect(await store.verify({ id: newBlobId(), sizeBytes: 1 }, { deep }, OPTIONS)).toBe('missing');
    await store.delete(blob.id, OPTIONS);
    expect(await store.verify(blob, { deep }, OPTIONS)).toBe('missing');
  });

  test('deleting a blob that is not there is no error', async () => {
    await using fixture = await openFixture(subject);
    const blob = await writeBlob(fixture.store, pattern(10));
    await fixture.store.delete(blob.id, OPTIONS);
    await fixture.store.delete(blob.id, OPTIONS);
    await fixture.store.delete(newBlobId(), OPTIONS);
    expect(await listIds(fixture.store)).toEqual([]);
  });

  test('deleting one blob leaves the others', async () => {
    await using fixture = await openFixture(subject);
    const blobs = await Promise.all([1, 2, 3].map((seed) => writeBlob(fixture.store, pattern(5000, seed))));
    const [first, second, third] = blobs.map((blob) => blob.id);
    if (second !== undefined) await fixture.store.delete(second, OPTIONS);
    expect(new Set(await listIds(fixture.store))).toEqual(new Set([first, third]));
  });

  test('list gives every blob that was written, once', async () => {
    await using fixture = await openFixture(subject);
    expect(await listIds(fixture.store)).toEqual([]);
    const blobs = await Promise.all(
      Array.from({ length: 50 }, (_, index) => writeBlob(fixture.store, pattern(index + 1))),
    );
    const listed = await collect(fixture.store.list(OPTIONS));
    expect(listed.map(({ id }) => id).sort()).toEqual(blobs.map(({ id }) => id).sort());
    expect(listed.every(({ storedBytes }) => storedBytes > 0)).toBe(true);
  });

  test('checkWritable writes nothing that list shows', async () => {
    await using fixture = await openFixture(subject);
    await fixture.store.checkWritable(OPTIONS);
    expect(await listIds(fixture.store)).toEqual([]);
    expect(fixture.store.description).toMatch(/^[^\n]+$/);
  });
}

function describeFailures(subject: Subject<Blobstore>): void {
  test.each([0, 10, CHUNK_BYTES, 3 * MIB])('a body that throws after %i bytes leaves nothing behind', async (bytes) => {
    await using fixture = await openFixture(subject);
    const failure = new Error('the client went away');
    async function* body(): AsyncIterable<Uint8Array> {
      if (bytes > 0) yield pattern(bytes);
      throw failure;
    }
    await expect(fixture.store.write(newBlobId(), body(), OPTIONS)).rejects.toBe(failure);
    expect(await listIds(fixture.store)).toEqual([]);
  });

  test('a body that throws leaves other blobs as they are', async () => {
    await using fixture = await openFixture(subject);
    const blob = await writeBlob(fixture.store, pattern(MIB));
    async function* body(): AsyncIterable<Uint8Array> {
      yield pattern(MIB);
      throw new Error('the client went away');
    }
    await expect(fixture.store.write(newBlobId(), body(), OPTIONS)).rejects.toThrow('the client went away');
    expect(await listIds(fixture.store)).toEqual([blob.id]);
    expect(await fixture.store.verify(blob, { deep: true }, OPTIONS)).toBe('sound');
  });

  test('a body is pulled at the pace of the storage, one piece at a time', async () => {
    await using fixture = await openFixture(subject);
    let waiting = 0;
    let waitingMost = 0;
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => {
        let left = 100;
        return {
          next: async () => {
            waiting++;
            waitingMost = Math.max(waitingMost, waiting);
            await new Promise(setImmediate);
            waiting--;
            return left-- > 0 ? { done: false, value: pattern(1000) } : { done: true, value: undefined };
          },
        };
      },
    };
    expect(await fixture.store.write(newBlobId(), body, OPTIONS)).toEqual({ sizeBytes: 100_000 });
    expect(waitingMost).toBe(1);
  });
}

function describeSignals(subject: Subject<Blobstore>): void {
  test('a signal that has fired ends every call with its reason, and nothing is written', async () => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const blob = await writeBlob(store, pattern(10));
    const reason = new Error('too late');
    const options = { signal: AbortSignal.abort(reason) };
    await expect(store.write(newBlobId(), streamOf([pattern(10)]), options)).rejects.toBe(reason);
    await expect(collect(store.read(blob, whole(blob), options))).rejects.toBe(reason);
    await expect(store.delete(blob.id, options)).rejects.toBe(reason);
    await expect(store.verify(blob, { deep: false }, options)).rejects.toBe(reason);
    await expect(collect(store.list(options))).rejects.toBe(reason);
    await expect(store.checkWritable(options)).rejects.toBe(reason);
    expect(await listIds(store)).toEqual([blob.id]);
  });

  test.each([0, 10, 2 * MIB])(
    'a signal ends a write whose body stalls after %i bytes, and leaves nothing',
    async (bytes) => {
      await using fixture = await openFixture(subject);
      const controller = new AbortController();
      const reason = new Error('the client went away');
      async function* body(): AsyncIterable<Uint8Array> {
        if (bytes > 0) yield pattern(bytes);
        setImmediate(() => controller.abort(reason));
        await new Promise(() => undefined);
      }
      await expect(fixture.store.write(newBlobId(), body(), { signal: controller.signal })).rejects.toBe(reason);
      expect(await listIds(fixture.store)).toEqual([]);
    },
  );

  test('a signal ends a list that has begun', async () => {
    await using fixture = await openFixture(subject);
    for (const seed of [1, 2, 3]) await writeBlob(fixture.store, pattern(10, seed));
    const controller = new AbortController();
    const reason = new Error('too late');
    const listing = (async () => {
      for await (const _ of fixture.store.list({ signal: controller.signal })) controller.abort(reason);
    })();
    await expect(listing).rejects.toBe(reason);
  });

  test('a signal ends a read that has begun', async () => {
    await using fixture = await openFixture(subject);
    const blob = await writeBlob(fixture.store, pattern(8 * MIB), CHUNK_BYTES);
    const controller = new AbortController();
    const reason = new Error('the client went away');
    let readBytes = 0;
    const reading = (async () => {
      for await (const piece of fixture.store.read(blob, whole(blob), { signal: controller.signal })) {
        readBytes += piece.length;
        controller.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
    expect(readBytes).toBeLessThan(blob.sizeBytes);
  });
}

function describeDamage(subject: Subject<Blobstore>): void {
  test.each([0, 0.01, 0.3, 0.5, 0.7, 0.99, 1])('one wrong bit at %d of a blob is never given out', async (at) => {
    await using fixture = await openFixture(subject);
    const { store } = fixture;
    const bytes = pattern(6 * CHUNK_BYTES + 1000);
    const [blob, other] = [await writeBlob(store, bytes), await writeBlob(store, bytes)];
    await fixture.damage(blob.id, at);
    const read: Uint8Array[] = [];
    const reading = (async () => {
      for await (const piece of store.read(blob, whole(blob), OPTIONS)) read.push(Uint8Array.from(piece));
    })();
    await expect(reading).rejects.toMatchObject({ name: 'StoreError', kind: 'corrupt' });
    const given = Buffer.concat(read);
    expect(given.equals(bytes.subarray(0, given.length))).toBe(true);
    expect(await store.verify(blob, { deep: true }, OPTIONS)).toBe('corrupt');
    expect(await store.verify(other, { deep: true }, OPTIONS)).toBe('sound');
    expect(digest(await readAll(store, other))).toBe(digest(bytes));
  });
}

function describeSharing(subject: Subject<Blobstore>): void {
  test('what one handle wrote or deleted, another sees at once', async () => {
    await using fixture = await openFixture(subject);
    const other = await fixture.openAnother();
    const bytes = pattern(MIB);
    const blob = await writeBlob(fixture.store, bytes);
    expect(digest(await readAll(other, blob))).toBe(digest(bytes));
    expect(await listIds(other)).toEqual([blob.id]);
    await other.delete(blob.id, OPTIONS);
    expect(await fixture.store.verify(blob, { deep: false }, OPTIONS)).toBe('missing');
  });
}

function describeDurability(subject: Subject<Blobstore>): void {
  test('blobs are there when the store is opened again', async () => {
    await using fixture = await openFixture(subject);
    const bytes = pattern(MIB + 1);
    const blob = await writeBlob(fixture.store, bytes);
    const reopened = await fixture.reopen();
    expect(digest(await readAll(reopened, blob))).toBe(digest(bytes));
    expect(await reopened.verify(blob, { deep: true }, OPTIONS)).toBe('sound');
    expect(await listIds(reopened)).toEqual([blob.id]);
  });
}

/** Bytes of buffers that something still holds. */
function bufferBytesInUse(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  // What the first one finds dead is given back by the second.
  for (let times = 2; times > 0; times--) collect();
  return process.memoryUsage().arrayBuffers;
}
