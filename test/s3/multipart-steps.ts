import {
  type BucketVersioningStatus,
  type ChecksumAlgorithm,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandOutput,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectCommand,
  PutBucketVersioningCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { checksumOf } from '../../src/domain/digests.ts';
import { startServer } from '../../src/start-server.ts';

/** A server in memory, and clients for it. */
export interface TestS3 extends AsyncDisposable {
  /** With the checksums that the SDK sends by default. */
  readonly s3: S3Client;
  /** Sends checksums only where a command names one, as older clients do. */
  readonly withoutChecksums: S3Client;
  /** A bucket of its own for each test; with versioning where that is asked for. */
  makeBucket(options?: { versioning?: BucketVersioningStatus }): Promise<string>;
}

/** Smallest part that is not the last, in bytes. */
export const PART_BYTES = 5 * 1024 ** 2;

export interface ObjectName {
  readonly Bucket: string;
  readonly Key: string;
}

export type UploadName = ObjectName & { readonly UploadId: string };

export async function openS3(): Promise<TestS3> {
  const server = await startServer({ store: 'memory' });
  const s3 = new S3Client({ ...server.clientConfig(), maxAttempts: 1 });
  const withoutChecksums = new S3Client({
    ...server.clientConfig(),
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  let bucketsCount = 0;
  return {
    s3,
    withoutChecksums,
    async makeBucket({ versioning } = {}) {
      bucketsCount += 1;
      const Bucket = `bucket-${bucketsCount}`;
      await s3.send(new CreateBucketCommand({ Bucket }));
      if (versioning !== undefined) {
        const VersioningConfiguration = { Status: versioning };
        await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
      }
      return Bucket;
    },
    async [Symbol.asyncDispose]() {
      s3.destroy();
      withoutChecksums.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Bytes that differ from part to part. */
export function partBytes(sizeBytes: number, seed: number): Buffer {
  return Buffer.alloc(sizeBytes, `part ${seed} `);
}

export async function createUpload(
  s3: S3Client,
  name: ObjectName,
  options: Partial<CreateMultipartUploadCommandInput> = {},
): Promise<UploadName> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...options, ...name }));
  if (UploadId === undefined) throw new Error('CreateMultipartUpload gave no UploadId.');
  return { ...name, UploadId };
}

/**
 * Sends `bodies` as parts 1, 2 and so on, with the SDK's default checksum or the one that the upload asked for; returns
 * them as CompleteMultipartUpload lists them, checksums included.
 */
export async function sendParts(
  s3: S3Client,
  upload: UploadName,
  bodies: readonly Uint8Array[],
  algorithm?: ChecksumAlgorithm,
): Promise<CompletedPart[]> {
  const parts: CompletedPart[] = [];
  for (const [index, Body] of bodies.entries()) {
    const PartNumber = index + 1;
    // The SDK does not compute all of them itself.
    const checksum = algorithm && { [`Checksum${algorithm}`]: checksumOf(algorithm, Body) };
    const sent = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body, ...checksum }));
    const { $metadata: _, ServerSideEncryption: __, ...part } = sent;
    parts.push({ PartNumber, ...part });
  }
  return parts;
}

export function complete(
  s3: S3Client,
  upload: UploadName,
  Parts: readonly CompletedPart[],
  options: object = {},
): Promise<CompleteMultipartUploadCommandOutput> {
  const command = new CompleteMultipartUploadCommand({ ...options, ...upload, MultipartUpload: { Parts: [...Parts] } });
  return s3.send(command);
}

export async function readObject(s3: S3Client, name: ObjectName, options: object = {}): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ ...options, ...name }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}
