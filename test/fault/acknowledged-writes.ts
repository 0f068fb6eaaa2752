import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { randomNumbers } from '../history/workload.ts';

/** The MD5 of an object's bytes, or that there is none. */
export type Content = string;
export const NOTHING: Content = 'nothing';

/** One write and what its key holds afterwards; times are nanoseconds of the monotonic clock. */
export interface Write {
  readonly bucket: string;
  readonly key: string;
  readonly content: Content;
  readonly beganAt: bigint;
  /** When it was acknowledged; `undefined` where it was not. */
  acknowledgedAt: bigint | undefined;
}

const INLINE_BYTES = 900;
const BLOB_BYTES = 80_000;
const PART_BYTES = 5 * 1024 ** 2;

/**
 * A mixed load in which each key has one writer, so that what it must hold at any moment is known: the last write
 * that was acknowledged by then, or one that was under way.
 */
export async function writeMixedLoad(
  client: S3Client,
  load: { buckets: readonly string[]; writers: number; writesEach: number; seed: number },
): Promise<Write[]> {
  const writes: Write[] = [];
  const run = async (writer: number): Promise<void> => {
    const random = randomNumbers(load.seed * 1009 + writer);
    for (let step = 0; step < load.writesEach; step += 1) {
      const bucket = load.buckets[Math.floor(random() * load.buckets.length)] ?? '';
      const key = `writer-${writer}/key-${Math.floor(random() * 6)}`;
      await writeOne({ client, writes, bucket, key, kind: random(), label: `${writer}/${step}` });
      if (random() < 0.1) await sleep(random() * 20);
    }
  };
  await Promise.all(Array.from({ length: load.writers }, (_, writer) => run(writer)));
  return writes;
}

interface OneWrite {
  readonly client: S3Client;
  readonly writes: Write[];
  readonly bucket: string;
  readonly key: string;
  readonly kind: number;
  readonly label: string;
}

async function writeOne({ client, writes, bucket, key, kind, label }: OneWrite): Promise<void> {
  const at = { Bucket: bucket, Key: key };
  const record = async (content: Content, send: () => Promise<unknown>): Promise<void> => {
    const write: Write = { bucket, key, content, beganAt: process.hrtime.bigint(), acknowledgedAt: undefined };
    writes.push(write);
    await send();
    write.acknowledgedAt = process.hrtime.bigint();
  };
  if (kind < 0.18) return record(NOTHING, () => client.send(new DeleteObjectCommand(at)));
  if (kind < 0.23) return copyOver({ client, writes, bucket, key, kind, label }, record);
  if (kind < 0.26) {
    const parts = [bytesOf(label, PART_BYTES), bytesOf(`${label}/last`, BLOB_BYTES)];
    return record(md5Of(Buffer.concat(parts)), () => uploadInParts(client, at, parts));
  }
  const body = bytesOf(label, kind < 0.65 ? INLINE_BYTES : BLOB_BYTES);
  return record(md5Of(body), () => client.send(new PutObjectCommand({ ...at, Body: body })));
}

/** Copies an object of the same writer over the key; does nothing where it has none. */
async function copyOver(
  { client, writes, bucket, key }: OneWrite,
  record: (content: Content, send: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const writer = key.slice(0, key.indexOf('/') + 1);
  const latest = new Map(
    writes
      .filter((write) => write.bucket === bucket && write.key.startsWith(writer))
      .map((write) => [write.key, write]),
  );
  const source = [...latest.values()].find((write) => write.content !== NOTHING && write.key !== key);
  if (source === undefined) return;
  const copy = new CopyObjectCommand({ Bucket: bucket, Key: key, CopySource: `${bucket}/${source.key}` });
  await record(source.content, () => client.send(copy));
}

async function uploadInParts(
  client: S3Client,
  at: { Bucket: string; Key: string },
  bodies: readonly Buffer[],
): Promise<void> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at));
  const Parts = await Promise.all(
    bodies.map(async (Body, index) => {
      const PartNumber = index + 1;
      const { ETag } = await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body }));
      return { PartNumber, ETag };
    }),
  );
  await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
}

/** What each key may hold at `moment`, by `bucket/key`. */
export function contentsAt(writes: readonly Write[], moment: bigint): Map<string, Content[]> {
  const contents = new Map<string, Content[]>();
  for (const { bucket, key, content, beganAt, acknowledgedAt } of writes) {
    if (beganAt > moment) continue;
    const name = `${bucket}/${key}`;
    const isAcknowledged = acknowledgedAt !== undefined && acknowledgedAt <= moment;
    contents.set(name, isAcknowledged ? [content] : [...(contents.get(name) ?? [NOTHING]), content]);
  }
  return contents;
}

function bytesOf(label: string, length: number): Buffer {
  return Buffer.alloc(length, `${label} `);
}

export function md5Of(bytes: Uint8Array): Content {
  return createHash('md5').update(bytes).digest('hex');
}
