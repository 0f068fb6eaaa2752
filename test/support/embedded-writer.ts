import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parseBlobId, parseBucketId } from '../../src/domain/names.ts';
import type { BlobAddress } from '../../src/domain/object-version.ts';
import { openEmbeddedBlobstore } from '../../src/stores/embedded/blobstore.ts';
import { openDatabase } from '../../src/stores/embedded/database.ts';
import { EmbeddedMetastore } from '../../src/stores/embedded/metastore.ts';
import { inlineDraft, keyOf, must, OPTIONS, OWNER, STANDARD } from '../contract/drafts.ts';

/**
 * A process that writes to an embedded directory, for tests that start several of them or kill them.
 * Arguments: what to do, the directory, a bucket id. It tells its parent by messages what was acknowledged.
 */
const [task = '', directory = '', bucketText = ''] = process.argv.slice(2);
const bucketId = parseBucketId(bucketText);
const LARGE_BYTES = 300_000;
const WRITERS = 8;

export interface WriterMessage {
  readonly kind: 'ready' | 'stored' | 'refused' | 'deleted' | 'failed';
  readonly key: string;
}

const database = await openDatabase({
  directory,
  durability: 'strict',
  diskFreeBytesMin: 0,
  onFatal: (error) => tell({ kind: 'failed', key: error.message }),
});
const meta = new EmbeddedMetastore(database, { name: 'us-east-1', nowMs: () => Date.now() });
const blobs = await openEmbeddedBlobstore({
  directory: join(directory, 'blobs'),
  durability: 'strict',
  diskFreeBytesMin: 0,
});

tell({ kind: 'ready', key: '' });
if (task === 'claim') process.on('message', (key: string) => void claim(key));
else for (let writer = 0; writer < WRITERS; writer++) void writeOn(writer);
// An error that nobody expected, at whatever moment the parent chooses.
if (task === 'write') process.on('message', () => void Promise.reject(new Error('The parent wanted it.')));

/** Puts `key` unless it is there. */
async function claim(key: string): Promise<void> {
  const outcome = await meta.putVersion(bucketId, inlineDraft(key, String(process.pid)), { ifNoneMatch: '*' }, OPTIONS);
  tell({ kind: outcome.kind === 'stored' ? 'stored' : 'refused', key });
}

/** Puts new keys for ever, every third with a blob, and deletes every fourth again. */
async function writeOn(writer: number): Promise<void> {
  try {
    for (let index = 0; ; index++) {
      const key = `${process.pid}/${writer}/${index}`;
      await (index % 3 === 0 ? putLarge(key) : putSmall(key));
      tell({ kind: 'stored', key });
      if (index % 4 !== 0) continue;
      const draft = { key: keyOf(key), mode: 'remove', lastModifiedMs: 0, owner: OWNER } as const;
      await meta.deleteCurrent(bucketId, draft, {}, OPTIONS);
      tell({ kind: 'deleted', key });
    }
  } catch {
    // The store has failed and has told so; the test looks at what was acknowledged before.
  }
}

async function putSmall(key: string): Promise<void> {
  await meta.putVersion(bucketId, inlineDraft(key, key.repeat(200)), {}, OPTIONS);
}

async function putLarge(key: string): Promise<void> {
  const blob: BlobAddress = {
    id: parseBlobId(randomBytes(16).toString('hex')),
    storageClass: STANDARD,
    sizeBytes: LARGE_BYTES,
  };
  await meta.openIntent({ ...blob, atMs: Date.now() }, OPTIONS);
  await blobs.write(blob.id, bodyOf(key), OPTIONS);
  const draft = inlineDraft(key, '', { sizeBytes: LARGE_BYTES, body: { kind: 'blob', blob } });
  await meta.putVersion(bucketId, draft, {}, OPTIONS);
}

async function* bodyOf(key: string): AsyncIterable<Uint8Array> {
  yield Buffer.alloc(LARGE_BYTES, key);
}

function tell(message: WriterMessage): void {
  must(process.send?.bind(process))(message);
}
