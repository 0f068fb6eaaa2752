import { MemoryBlobstore } from '../../src/stores/memory/blobstore.ts';
import { MemoryBucketstore } from '../../src/stores/memory/bucketstore.ts';
import { MemoryKeystore } from '../../src/stores/memory/keystore.ts';
import { MemoryMetastore } from '../../src/stores/memory/metastore.ts';
import { blobstoreContract } from './blobstore.ts';
import { bucketstoreContract } from './bucketstore.ts';
import { keystoreContract } from './keystore.ts';
import { memorySubject } from './memory-subject.ts';
import { metastoreContract } from './metastore.ts';
import { reclaimContract } from './reclaim.ts';
import { uploadsContract } from './uploads.ts';

const metastore = memorySubject((nowMs) => new MemoryMetastore({ nowMs }));

keystoreContract(memorySubject(() => new MemoryKeystore([])));
bucketstoreContract(memorySubject(() => new MemoryBucketstore()));
metastoreContract(metastore);
uploadsContract(metastore);
reclaimContract(metastore);
blobstoreContract(memorySubject(() => new MemoryBlobstore()));
