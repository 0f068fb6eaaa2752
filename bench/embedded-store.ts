import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseBlobId, parseBucketId, parseObjectKey, parseTenantId } from '../src/domain/names.ts';
import { openEmbeddedBlobstore } from '../src/stores/embedded/blobstore.ts';
import { openDatabase } from '../src/stores/embedded/database.ts';
import { EmbeddedMetastore } from '../src/stores/embedded/metastore.ts';
import { draftOf, must } from './draft.ts';

/**
 * Measures the embedded engine without HTTP: rate, and CPU of all threads for each operation.
 * Usage: node bench/embedded-store.ts [objects] [directory]
 */
const [objectsText = '20000', parent = tmpdir()] = process.argv.slice(2);
const OBJECTS = Number(objectsText);
const CONCURRENCY = 64;
const BODY_BYTES = 4096;
const PAGE_ROWS = 1000;
const LARGE_BYTES = 64 * 1024 ** 2;
const OWNER = { tenant: parseTenantId('tenant'), displayName: 'tenant' };
const options = { signal: AbortSignal.timeout(3_600_000) };

const directory = await mkdtemp(join(parent, 'pithos-bench-'));
try {
  await measureMetastore();
  await measureBlobstore();
} finally {
  await rm(directory, { recursive: true });
}

async function measureMetastore(): Promise<void> {
  await using database = await openDatabase({ directory, durability: 'strict' });
  const meta = new EmbeddedMetastore(database, { name: 'bench', nowMs: () => Date.now() });
  const bucketId = parseBucketId(randomBytes(16).toString('hex'));
  const bytes = randomBytes(BODY_BYTES);
  const keyOf = (index: number): string =>
    `dir-${index % 100}/key-${((index * 7919) % OBJECTS).toString().padStart(9, '0')}`;
  for (const name of ['put 4 KiB, new keys', 'put 4 KiB, same keys']) {
    await measure(name, OBJECTS, CONCURRENCY, async (index) => {
      const outcome = await meta.putVersion(bucketId, draftOf(keyOf(index), bytes), {}, options);
      if (outcome.kind !== 'stored') throw new Error(outcome.kind);
    });
  }
  await measure('get 4 KiB', OBJECTS, CONCURRENCY, async (index) => {
    const found = await meta.getVersion({ bucketId, key: must(parseObjectKey(keyOf(index))) }, options);
    if (found?.kind !== 'object') throw new Error('not found');
  });
  const pages = Math.ceil(OBJECTS / PAGE_ROWS);
  let after: string | undefined;
  await measure(`list a page of ${PAGE_ROWS}`, pages, 1, async () => {
    const from = after === undefined ? undefined : ({ kind: 'after-key', key: after } as const);
    after = (await meta.listObjects({ bucketId, prefix: '', from, limit: PAGE_ROWS }, options)).at(-1)?.key;
  });
  await measure('list 100 common prefixes', 10, 1, async () => {
    let from: { kind: 'after-prefix'; prefix: string } | undefined;
    for (;;) {
      const [found] = await meta.listObjects({ bucketId, prefix: '', from, limit: 1 }, options);
      if (found === undefined) return;
      from = { kind: 'after-prefix', prefix: found.key.slice(0, found.key.indexOf('/') + 1) };
    }
  });
  await measure('delete', OBJECTS, CONCURRENCY, async (index) => {
    const key = must(parseObjectKey(keyOf(index)));
    await meta.deleteCurrent(bucketId, { key, mode: 'remove', lastModifiedMs: 0, owner: OWNER }, {}, options);
  });
}

async function measureBlobstore(): Promise<void> {
  await using blobs = await openEmbeddedBlobstore({ directory: join(directory, 'blobs'), durability: 'strict' });
  for (const [name, sizeBytes, count, concurrency] of [
    ['64 KiB', 64 * 1024, 2000, 64],
    ['1 MiB', 1024 ** 2, 300, 16],
    ['64 MiB', LARGE_BYTES, 10, 2],
  ] as const) {
    const piece = randomBytes(Math.min(sizeBytes, 64 * 1024));
    const ids = Array.from({ length: count }, () => parseBlobId(randomBytes(16).toString('hex')));
    await measure(`write blobs of ${name}`, count, concurrency, async (index) => {
      await blobs.write(must(ids[index]), repeat(piece, sizeBytes / piece.length), options);
    });
    await measure(`read blobs of ${name}`, count, concurrency, async (index) => {
      const range = { offsetBytes: 0, lengthBytes: sizeBytes };
      for await (const _ of blobs.read({ id: must(ids[index]), sizeBytes }, range, options)) {
        // Reading verifies; that is what is measured.
      }
    });
    await measure(`delete blobs of ${name}`, count, concurrency, (index) => blobs.delete(must(ids[index]), options));
  }
}

async function measure(
  name: string,
  count: number,
  concurrency: number,
  run: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  const worker = async (): Promise<void> => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  const cpuMicros = (used.user + used.system) / count;
  console.log(
    `${name.padEnd(28)} ${(count / seconds).toFixed(0).padStart(8)} /s ${cpuMicros.toFixed(1).padStart(9)} µs CPU each, ${concurrency} at once`,
  );
}

async function* repeat(piece: Uint8Array, count: number): AsyncIterable<Uint8Array> {
  for (let index = 0; index < count; index++) yield piece;
}
