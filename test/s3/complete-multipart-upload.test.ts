import {
  type ChecksumAlgorithm,
  type ChecksumType,
  CompleteMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checksumOf, compositeChecksum } from '../../src/domain/digests.ts';
import {
  complete,
  createUpload,
  openS3,
  PART_BYTES,
  partBytes,
  readObject,
  sendParts,
  type TestS3,
} from './multipart-steps.ts';

let server: TestS3;
beforeAll(async () => {
  server = await openS3();
});
afterAll(() => server[Symbol.asyncDispose]());

describe('CompleteMultipartUpload makes the object', () => {
  test('of the listed parts in the order of their numbers, whatever order they came in', async () => {
    const { s3 } = server;
    const upload = await openUpload();
    const [first, second, third] = [partBytes(PART_BYTES, 1), partBytes(PART_BYTES + 1, 2), Buffer.from('the end')];
    const etags = new Map<number, string | undefined>();
    for (const [PartNumber, Body] of [
      [30, third],
      [1, first],
      [7, second],
    ] as const) {
      const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
      etags.set(PartNumber, ETag);
    }
    const { ETag } = await complete(
      s3,
      upload,
      [1, 7, 30].map((PartNumber) => ({ PartNumber, ETag: etags.get(PartNumber) })),
    );
    expect(ETag).toMatch(/^"[0-9a-f]{32}-3"$/);
    const whole = Buffer.concat([first, second, third]);
    expect((await readObject(s3, upload)).equals(whole)).toBe(true);
    expect(await s3.send(new HeadObjectCommand(nameOf(upload)))).toMatchObject({ ETag, ContentLength: whole.length });
    const Range = `bytes=${PART_BYTES - 3}-${PART_BYTES + 3}`;
    expect(await readObject(s3, nameOf(upload), { Range })).toEqual(whole.subarray(PART_BYTES - 3, PART_BYTES + 4));
  });

  test('without the parts that are not listed', async () => {
    const { s3 } = server;
    const upload = await openUpload();
    const parts = await sendParts(s3, upload, [partBytes(10, 1), Buffer.from('kept'), partBytes(10, 3)]);
    await complete(s3, upload, parts.slice(1, 2));
    expect(await readObject(s3, nameOf(upload))).toEqual(Buffer.from('kept'));
  });

  test('in place of the one that was there, in one step', async () => {
    const { s3 } = server;
    const upload = await openUpload();
    await s3.send(new PutObjectCommand({ ...nameOf(upload), Body: 'before' }));
    const parts = await sendParts(s3, upload, [Buffer.from('after')]);
    expect(await readObject(s3, nameOf(upload))).toEqual(Buffer.from('before'));
    await complete(s3, upload, parts);
    expect(await readObject(s3, nameOf(upload))).toEqual(Buffer.from('after'));
  });

  test('and answers where it is', async () => {
    const { s3 } = server;
    const upload = await createUpload(s3, { Bucket: await server.makeBucket(), Key: 'ä/b c&d' });
    const answer = await complete(s3, upload, await sendParts(s3, upload, [Buffer.from('bytes')]));
    expect(answer).toMatchObject(nameOf(upload));
    const location = new URL(answer.Location ?? '');
    expect(location.pathname).toBe(`/${upload.Bucket}/%C3%A4/b%20c%26d`);
    expect(location.protocol).toBe('http:');
  });

  test('and ends the upload', async () => {
    const { s3 } = server;
    const upload = await openUpload();
    await complete(s3, upload, await sendParts(s3, upload, [Buffer.from('bytes')]));
    await expect(s3.send(new ListPartsCommand(upload))).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });
});

describe('CompleteMultipartUpload refuses', () => {
  test('an upload that never was, or is another key’s', async () => {
    const { s3 } = server;
    const upload = await openUpload();
    const parts = await sendParts(s3, upload, [Buffer.from('bytes')]);
    for (const wrong of [
      { ...upload, UploadId: 'abc1234def' },
      { ...upload, Key: 'another' },
    ]) {
      await expect(complete(s3, wrong, parts)).rejects.toMatchObject({
        name: 'NoSuchUpload',
        $metadata: { httpStatusCode: 404 },
      });
    }
  });

  test('an empty list, and no list at all', async () => {
    const upload = await openUpload();
    await expect(complete(server.s3, upload, [])).rejects.toMatchObject({ name: 'MalformedXML' });
    await expect(server.s3.send(new CompleteMultipartUploadCommand(upload))).rejects.toMatchObject({
      name: 'MalformedXML',
    });
  });

  test('parts out of order, and a part listed twice', async () => {
    const upload = await openUpload();
    const [first, second] = await sendParts(server.s3, upload, [partBytes(PART_BYTES, 1), Buffer.from('end')]);
    if (first === undefined || second === undefined) throw new Error('unreachable');
    const invalidPartOrder = { name: 'InvalidPartOrder', $metadata: { httpStatusCode: 400 } };
    await expect(complete(server.s3, upload, [second, first])).rejects.toMatchObject(invalidPartOrder);
    await expect(complete(server.s3, upload, [first, first])).rejects.toMatchObject(invalidPartOrder);
  });

  test('a part that was not sent, or had another ETag or checksum, and stays open', async () => {
    const { s3 } = server;
    const upload = await openUpload({ ChecksumAlgorithm: 'CRC32' });
    const [part] = await sendParts(s3, upload, [Buffer.from('bytes')]);
    const wrong = [
      { ...part, PartNumber: 9999 },
      { ...part, ETag: 'ffffffffffffffffffffffffffffffff' },
      { ...part, ETag: 'no etag' },
      { ...part, ChecksumCRC32: checksumOf('CRC32', Buffer.from('other')) },
      { ...part, ChecksumCRC32: undefined, ChecksumSHA1: checksumOf('SHA1', Buffer.from('bytes')) },
    ];
    for (const listed of wrong) {
      await expect(complete(s3, upload, [listed])).rejects.toMatchObject({
        name: 'InvalidPart',
        $metadata: { httpStatusCode: 400 },
      });
    }
    await complete(s3, upload, [{ ...part }]);
  });

  test('a part below 5 MiB that is not the last, and says which', async () => {
    const upload = await openUpload();
    const parts = await sendParts(server.s3, upload, [partBytes(PART_BYTES - 1, 1), Buffer.from('end')]);
    await expect(complete(server.s3, upload, parts)).rejects.toMatchObject({
      name: 'EntityTooSmall',
      $metadata: { httpStatusCode: 400 },
      PartNumber: '1',
      ProposedSize: String(PART_BYTES - 1),
      MinSizeAllowed: String(PART_BYTES),
    });
  });

  test('a size that the object has not', async () => {
    const upload = await openUpload();
    const parts = await sendParts(server.s3, upload, [Buffer.from('bytes')]);
    await expect(complete(server.s3, upload, parts, { MpuObjectSize: 6 })).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    await complete(server.s3, upload, parts, { MpuObjectSize: 5 });
  });
});

describe('CompleteMultipartUpload on a condition', () => {
  test('If-None-Match: * takes only a key without an object', async () => {
    const { s3 } = server;
    const Bucket = await server.makeBucket();
    const first = await openUpload({ Bucket });
    await complete(s3, first, await sendParts(s3, first, [Buffer.from('first')]), { IfNoneMatch: '*' });
    const second = await openUpload({ Bucket });
    const parts = await sendParts(s3, second, [Buffer.from('second')]);
    await expect(complete(s3, second, parts, { IfNoneMatch: '*' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
    expect(await readObject(s3, nameOf(first))).toEqual(Buffer.from('first'));
    await s3.send(new DeleteObjectCommand(nameOf(first)));
    await complete(s3, second, parts, { IfNoneMatch: '*' });
  });

  test('If-Match takes only an object with that ETag, and 404 where there is none', async () => {
    const { s3 } = server;
    const Bucket = await server.makeBucket();
    const upload = await openUpload({ Bucket });
    const parts = await sendParts(s3, upload, [Buffer.from('new')]);
    const absent = { name: 'NoSuchKey', $metadata: { httpStatusCode: 404 } };
    await expect(complete(s3, upload, parts, { IfMatch: '*' })).rejects.toMatchObject(absent);
    await expect(complete(s3, upload, parts, { IfMatch: '"badetag"' })).rejects.toMatchObject(absent);
    const { ETag } = await s3.send(new PutObjectCommand({ ...nameOf(upload), Body: 'old' }));
    await expect(complete(s3, upload, parts, { IfMatch: '"badetag"' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    const { ETag: newest } = await complete(s3, upload, parts, { IfMatch: ETag });
    const third = await openUpload({ Bucket });
    await complete(s3, third, await sendParts(s3, third, [Buffer.from('third')]), { IfMatch: newest });
  });

  test('of several completes at once with If-None-Match: * one wins', async () => {
    const { s3 } = server;
    const Bucket = await server.makeBucket();
    const racers = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const upload = await openUpload({ Bucket });
        return { upload, parts: await sendParts(s3, upload, [partBytes(10, index)]) };
      }),
    );
    const outcomes = await Promise.allSettled(
      racers.map(({ upload, parts }) => complete(s3, upload, parts, { IfNoneMatch: '*' })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('CompleteMultipartUpload repeated', () => {
  test('with the same parts answers the same, even with If-None-Match: *', async () => {
    const { s3 } = server;
    const upload = await openUpload({ ChecksumAlgorithm: 'SHA256' });
    const parts = await sendParts(s3, upload, [partBytes(PART_BYTES, 1), Buffer.from('end')], 'SHA256');
    const options = { IfNoneMatch: '*', MpuObjectSize: PART_BYTES + 3, ChecksumType: 'COMPOSITE' };
    const { $metadata: _, ...first } = await complete(s3, upload, parts, options);
    const { $metadata, ...second } = await complete(s3, upload, parts, options);
    expect(second).toEqual(first);
    expect($metadata.httpStatusCode).toBe(200);
    await s3.send(new DeleteObjectCommand(nameOf(upload)));
    const { $metadata: __, ...third } = await complete(s3, upload, parts, options);
    expect(third).toEqual(first);
    await expect(readObject(s3, nameOf(upload))).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('answers the version that the first one made, and makes no other', async () => {
    const { s3 } = server;
    const upload = await openUpload({ Bucket: await server.makeBucket({ versioning: 'Enabled' }) });
    const parts = await sendParts(s3, upload, [Buffer.from('bytes')]);
    const first = await complete(s3, upload, parts);
    const second = await complete(s3, upload, parts);
    expect(first.VersionId).toBeTruthy();
    expect(second.VersionId).toBe(first.VersionId);
    const { Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket: upload.Bucket }));
    expect(Versions?.map(({ VersionId }) => VersionId)).toEqual([first.VersionId]);
  });

  test('with other parts, or other claims, is refused', async () => {
    const { s3 } = server;
    const upload = await openUpload({ ChecksumAlgorithm: 'CRC32' });
    const parts = await sendParts(s3, upload, [partBytes(PART_BYTES, 1), Buffer.from('end')]);
    await complete(s3, upload, parts);
    await expect(complete(s3, upload, parts.slice(1))).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(complete(s3, upload, parts, { MpuObjectSize: 1 })).rejects.toMatchObject({ name: 'InvalidRequest' });
    await expect(complete(s3, upload, parts, { ChecksumCRC32: 'AAAAAA==' })).rejects.toMatchObject({
      name: 'BadDigest',
    });
  });

  test('at the same time answers the same to all', async () => {
    const { s3 } = server;
    const upload = await openUpload();
    const parts = await sendParts(s3, upload, [Buffer.from('bytes')]);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => complete(s3, upload, parts, { IfNoneMatch: '*' })),
    );
    expect(new Set(answers.map(({ ETag }) => ETag)).size).toBe(1);
  });
});

describe('CompleteMultipartUpload and versions', () => {
  test('the version is new where versioning is enabled when it completes, and replaces the null version elsewhere', async () => {
    const { s3 } = server;
    const upload = await openUpload();
    const parts = await sendParts(s3, upload, [Buffer.from('bytes')]);
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await s3.send(new PutObjectCommand({ ...nameOf(upload), Body: 'null version' }));
    await s3.send(new PutBucketVersioningCommand({ Bucket: upload.Bucket, VersioningConfiguration }));
    const { VersionId } = await complete(s3, upload, parts);
    const { Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket: upload.Bucket }));
    expect(Versions?.map((version) => version.VersionId)).toEqual([VersionId, 'null']);
  });

  test('no version id is answered where versioning is suspended or was never enabled', async () => {
    for (const versioning of ['Suspended', undefined] as const) {
      const upload = await openUpload({ Bucket: await server.makeBucket(versioning && { versioning }) });
      const { VersionId } = await complete(
        server.s3,
        upload,
        await sendParts(server.s3, upload, [Buffer.from('bytes')]),
      );
      expect(VersionId).toBeUndefined();
    }
  });
});

describe('the checksum of a completed object', () => {
  const bodies = [partBytes(PART_BYTES, 1), partBytes(PART_BYTES + 7, 2), partBytes(100, 3)];
  const whole = Buffer.concat(bodies);
  const pairs: [ChecksumAlgorithm & Parameters<typeof checksumOf>[0], ChecksumType][] = [
    ['CRC32', 'COMPOSITE'],
    ['CRC32', 'FULL_OBJECT'],
    ['CRC32C', 'COMPOSITE'],
    ['CRC32C', 'FULL_OBJECT'],
    ['CRC64NVME', 'FULL_OBJECT'],
    ['SHA1', 'COMPOSITE'],
    ['SHA256', 'COMPOSITE'],
    ['MD5', 'COMPOSITE'],
    ['SHA512', 'COMPOSITE'],
    ['XXHASH64', 'COMPOSITE'],
    ['XXHASH3', 'COMPOSITE'],
    ['XXHASH128', 'COMPOSITE'],
  ];

  test.each(pairs)('%s %s is answered, verified and given back', async (algorithm, type) => {
    const { s3 } = server;
    const upload = await openUpload({ ChecksumAlgorithm: algorithm, ChecksumType: type });
    const parts = await sendParts(s3, upload, bodies, algorithm);
    const partChecksums = bodies.map((body) => checksumOf(algorithm, body));
    const value = type === 'FULL_OBJECT' ? checksumOf(algorithm, whole) : compositeChecksum(algorithm, partChecksums);
    const name = `Checksum${algorithm}`;
    const wrong = complete(s3, upload, parts, { [name]: checksumOf(algorithm, Buffer.from('other')) });
    await expect(wrong).rejects.toMatchObject({ name: 'BadDigest', $metadata: { httpStatusCode: 400 } });
    const otherType = type === 'FULL_OBJECT' ? 'COMPOSITE' : 'FULL_OBJECT';
    const mistyped = complete(s3, upload, parts, { ChecksumType: otherType });
    await expect(mistyped).rejects.toMatchObject({ name: 'InvalidRequest' });
    const completed = await complete(s3, upload, parts, { [name]: value, ChecksumType: type });
    expect(completed).toMatchObject({ [name]: value, ChecksumType: type });
    const head = new HeadObjectCommand({ ...nameOf(upload), ChecksumMode: 'ENABLED' });
    expect(await s3.send(head)).toMatchObject({ [name]: value, ChecksumType: type });
    const part = new HeadObjectCommand({ ...nameOf(upload), PartNumber: 3, ChecksumMode: 'ENABLED' });
    expect(await s3.send(part)).toMatchObject({ [name]: partChecksums[2], PartsCount: 3 });
  });

  test('is CRC64NVME of the whole where nobody asked for one or sent one', async () => {
    const s3 = server.withoutChecksums;
    const upload = await openUpload();
    const parts = await sendParts(s3, upload, [partBytes(PART_BYTES, 1), Buffer.from('end')]);
    const value = checksumOf('CRC64NVME', Buffer.concat([partBytes(PART_BYTES, 1), Buffer.from('end')]));
    const expected = { ChecksumCRC64NVME: value, ChecksumType: 'FULL_OBJECT' };
    expect(await complete(s3, upload, parts)).toMatchObject(expected);
    expect(await s3.send(new HeadObjectCommand({ ...nameOf(upload), ChecksumMode: 'ENABLED' }))).toMatchObject(
      expected,
    );
  });

  test('is made of what the client sent with the parts where it asked for none', async () => {
    const { s3 } = server;
    const upload = await openUpload();
    const parts = await sendParts(s3, upload, [partBytes(PART_BYTES, 1), Buffer.from('end')]);
    const value = checksumOf('CRC32', Buffer.concat([partBytes(PART_BYTES, 1), Buffer.from('end')]));
    expect(await complete(s3, upload, parts)).toMatchObject({ ChecksumCRC32: value, ChecksumType: 'FULL_OBJECT' });
  });

  test('is verified in part lists without checksums too', async () => {
    const { s3 } = server;
    const upload = await openUpload({ ChecksumAlgorithm: 'SHA256' });
    const parts = await sendParts(s3, upload, [Buffer.from('bytes')], 'SHA256');
    const listed = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    const value = compositeChecksum('SHA256', [checksumOf('SHA256', Buffer.from('bytes'))]);
    await expect(complete(s3, upload, listed, { ChecksumSHA256: 'bad' })).rejects.toMatchObject({ name: 'BadDigest' });
    expect(await complete(s3, upload, listed, { ChecksumSHA256: value })).toMatchObject({ ChecksumSHA256: value });
  });
});

describe('lib-storage', () => {
  test.each([undefined, 'CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    'uploads in parts with checksum %s and reads back the same bytes',
    async (ChecksumAlgorithm) => {
      const Bucket = await server.makeBucket();
      const Body = partBytes(12 * 1024 ** 2 + 345, 1);
      const params = { Bucket, Key: 'big', Body, ...(ChecksumAlgorithm && { ChecksumAlgorithm }) };
      const done = await new Upload({ client: server.s3, partSize: PART_BYTES, params }).done();
      expect(done).toMatchObject({
        ETag: expect.stringMatching(/-3"$/),
        [`Checksum${ChecksumAlgorithm ?? 'CRC32'}`]: expect.anything(),
      });
      expect((await readObject(server.s3, { Bucket, Key: 'big' })).equals(Body)).toBe(true);
    },
  );
});

async function openUpload(
  options: { Bucket?: string; ChecksumAlgorithm?: ChecksumAlgorithm; ChecksumType?: ChecksumType } = {},
) {
  const { Bucket = await server.makeBucket(), ...others } = options;
  return createUpload(server.s3, { Bucket, Key: 'key' }, others);
}

function nameOf({ Bucket, Key }: { Bucket: string; Key: string }) {
  return { Bucket, Key };
}
