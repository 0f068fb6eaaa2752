import { join } from 'node:path';
import { openEmbeddedBlobstore } from '../../src/stores/embedded/blobstore.ts';
import { EmbeddedBucketstore } from '../../src/stores/embedded/bucketstore.ts';
import { type EmbeddedDatabase, openDatabase } from '../../src/stores/embedded/database.ts';
import { EmbeddedKeystore } from '../../src/stores/embedded/keystore.ts';
import { EmbeddedMetastore } from '../../src/stores/embedded/metastore.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { blobstoreContract } from './blobstore.ts';
import { bucketstoreContract } from './bucketstore.ts';
import { keystoreContract } from './keystore.ts';
import { metastoreContract } from './metastore.ts';
import { metastoreModel } from './model.ts';
import { reclaimContract } from './reclaim.ts';
import type { Opened, Subject } from './subject.ts';
import { uploadsContract } from './uploads.ts';

/** Free bytes that the test machine need not have. */
const DISK_FREE_BYTES_MIN = 0;
const MODEL_RUNS = 30;

const metastore = subjectOf((directory, nowMs) =>
  inDatabase(directory, (database) => new EmbeddedMetastore(database, { name: 'us-east-1', nowMs })),
);

keystoreContract(subjectOf((directory) => inDatabase(directory, (database) => new EmbeddedKeystore(database))));
bucketstoreContract(subjectOf((directory) => inDatabase(directory, (database) => new EmbeddedBucketstore(database))));
metastoreContract(metastore);
uploadsContract(metastore);
reclaimContract(metastore);
metastoreModel(metastore, { runs: MODEL_RUNS });
blobstoreContract(
  subjectOf(async (directory) => {
    const blobs = await openEmbeddedBlobstore({
      directory: join(directory, 'blobs'),
      durability: 'strict',
      diskFreeBytesMin: DISK_FREE_BYTES_MIN,
    });
    return { store: blobs, close: () => blobs[Symbol.asyncDispose]() };
  }),
);

interface Handle<S> {
  readonly store: S;
  close(): Promise<void>;
}

async function inDatabase<S>(directory: string, make: (database: EmbeddedDatabase) => S): Promise<Handle<S>> {
  const database = await openDatabase({ directory, durability: 'strict', diskFreeBytesMin: DISK_FREE_BYTES_MIN });
  return { store: make(database), close: () => database[Symbol.asyncDispose]() };
}

/** Every handle is opened on one directory, as several processes do. */
function subjectOf<S extends AsyncDisposable>(
  openHandle: (directory: string, nowMs: () => number) => Promise<Handle<S>>,
): Subject<S> {
  return {
    engine: 'embedded',
    isShared: true,
    isDurable: true,
    async open(nowMs): Promise<Opened<S>> {
      const directory = await makeTempDir();
      const handles: Handle<S>[] = [];
      const openAnother = async (): Promise<S> => {
        const handle = await openHandle(directory.path, nowMs);
        handles.push(handle);
        return handle.store;
      };
      const closeAll = async (): Promise<void> => {
        for (const handle of handles.splice(0)) await handle.close();
      };
      return {
        store: await openAnother(),
        openAnother,
        reopen: async () => {
          await closeAll();
          return await openAnother();
        },
        async [Symbol.asyncDispose]() {
          await closeAll();
          await directory[Symbol.asyncDispose]();
        },
      };
    },
  };
}
