import type { BlobId, BucketId } from '../../src/domain/names.ts';
import type { Part, UploadAddress } from '../../src/domain/upload.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import type { BlobState } from '../../src/stores/reclaim.ts';
import type { Completion } from '../../src/stores/uploads.ts';
import { etagOf, intendBlob, keyOf, must, newBlob, OPTIONS, uploadDraft } from './drafts.ts';
import type { Fixture } from './subject.ts';

const PART_BYTES = 5 * 1024 ** 2;

export async function openUpload(store: Metastore, bucketId: BucketId, key: string): Promise<UploadAddress> {
  const outcome = await store.createUpload(bucketId, uploadDraft(key), OPTIONS);
  if (outcome.kind !== 'created') throw new TypeError('The upload was not created.');
  return { bucketId, key: keyOf(key), uploadId: outcome.upload.uploadId };
}

/** A part whose blob nobody intended. */
export function partOf(partNumber: number, change: Partial<Part> = {}): Part {
  return {
    partNumber,
    sizeBytes: PART_BYTES,
    etag: etagOf(`part ${partNumber}`),
    checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'AAAAAA==' },
    lastModifiedMs: Date.UTC(2025, 5, 1) + partNumber,
    body: newBlob(PART_BYTES),
    ...change,
  };
}

/** Stores parts with these numbers, each with a new blob and so an ETag of its own. */
export async function putParts(
  { store, clock }: Pick<Fixture<Metastore>, 'store' | 'clock'>,
  at: UploadAddress,
  partNumbers: readonly number[],
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  for (const partNumber of partNumbers) {
    const sizeBytes = PART_BYTES + partNumber;
    const blob = await intendBlob(store, clock.nowMs, sizeBytes);
    const part = partOf(partNumber, { sizeBytes, body: blob, etag: etagOf(blob.id) });
    const outcome = await store.putPart(at, part, OPTIONS);
    if (outcome.kind !== 'stored') throw new TypeError(`The part was not stored but ${outcome.kind}.`);
    parts.push(part);
  }
  return parts;
}

/** The completion with these parts, in the null slot. */
export function completionOf(parts: readonly Part[], change: Partial<Completion> = {}): Completion {
  return {
    parts: parts.map(({ partNumber, etag }) => ({ partNumber, etag })),
    etag: etagOf('whole'),
    checksum: undefined,
    slot: 'null',
    lastModifiedMs: Date.UTC(2025, 5, 2),
    ...change,
  };
}

/** The state of the blob of a part that has one. */
export async function stateOf(store: Metastore, part: Part | undefined): Promise<BlobState> {
  return store.getBlobState(blobIdOf(part), OPTIONS);
}

function blobIdOf(part: Part | undefined): BlobId {
  return must(part?.body).id;
}
