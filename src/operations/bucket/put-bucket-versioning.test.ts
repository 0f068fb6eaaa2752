import { describe, expect, test } from 'vitest';
import { MemoryOperations, textOf } from '../../../test/support/memory-operations.ts';
import { createBucket } from './create-bucket.ts';
import { getBucketVersioning } from './get-bucket-versioning.ts';
import { putBucketVersioning } from './put-bucket-versioning.ts';

describe('PutBucketVersioning', () => {
  test('enables and suspends; GetBucketVersioning shows it, and nothing before', async () => {
    const operations = await start();
    expect(await statusOf(operations)).toBeUndefined();
    for (const status of ['Enabled', 'Suspended', 'Suspended', 'Enabled']) {
      expect((await put(operations, `<Status>${status}</Status>`)).status).toBe(200);
      expect(await statusOf(operations)).toBe(status);
    }
  });

  test('suspends what was never enabled', async () => {
    const operations = await start();
    await put(operations, '<Status>Suspended</Status><MfaDelete>Disabled</MfaDelete>');
    expect(await statusOf(operations)).toBe('Suspended');
  });

  test.each([
    ['', 'IllegalVersioningConfigurationException'],
    ['<MfaDelete>Disabled</MfaDelete>', 'IllegalVersioningConfigurationException'],
    ['<Status/>', 'MalformedXML'],
    ['<Status>enabled</Status>', 'MalformedXML'],
    ['<Status>Disabled</Status>', 'MalformedXML'],
    ['<Status>Enabled</Status><Status>Suspended</Status>', 'MalformedXML'],
    ['<Status>Enabled</Status><MFADelete>Enabled</MFADelete>', 'MalformedXML'],
    ['<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>', 'NotImplemented'],
    ['<Status>Enabled</Status><MfaDelete>On</MfaDelete>', 'MalformedXML'],
  ])('refuses %j and changes nothing', async (inner, code) => {
    const operations = await start();
    await expect(put(operations, inner)).rejects.toMatchObject({ code });
    expect(await statusOf(operations)).toBeUndefined();
  });

  test('refuses a request without a body', async () => {
    const operations = await start();
    const called = operations.call(putBucketVersioning, { bucket: 'shoes' });
    await expect(called).rejects.toMatchObject({ code: 'MissingRequestBodyError' });
  });

  test('tries again when the configuration changes under its hands', async () => {
    const operations = await start();
    const { buckets } = operations.stores;
    const { updateBucket } = buckets;
    let interventions = 3;
    buckets.updateBucket = async (update, options) => {
      if (interventions-- > 0) {
        const { name, id, revision } = update;
        await updateBucket.call(buckets, { name, id, revision, configuration: { versioning: 'suspended' } }, options);
      }
      return updateBucket.call(buckets, update, options);
    };
    await put(operations, '<Status>Enabled</Status>');
    expect(await statusOf(operations)).toBe('Enabled');
  });

  test('gives up with OperationAborted when the configuration never holds still', async () => {
    const operations = await start();
    const { buckets } = operations.stores;
    buckets.updateBucket = async ({ name }, options) => {
      const bucket = (await buckets.getBucket(name, options)) ?? expect.unreachable();
      return { kind: 'changed', bucket };
    };
    await expect(put(operations, '<Status>Enabled</Status>')).rejects.toMatchObject({ code: 'OperationAborted' });
  });

  test('answers NoSuchBucket when the bucket goes away', async () => {
    const operations = await start();
    operations.stores.buckets.updateBucket = async () => ({ kind: 'gone' });
    await expect(put(operations, '<Status>Enabled</Status>')).rejects.toMatchObject({ code: 'NoSuchBucket' });
  });
});

async function start(): Promise<MemoryOperations> {
  const operations = new MemoryOperations();
  await operations.call(createBucket, { bucket: 'shoes' });
  return operations;
}

function put(operations: MemoryOperations, inner: string) {
  const body = `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</VersioningConfiguration>`;
  return operations.call(putBucketVersioning, { bucket: 'shoes', body });
}

async function statusOf(operations: MemoryOperations): Promise<string | undefined> {
  const { xml } = await operations.call(getBucketVersioning, { bucket: 'shoes' });
  return textOf(xml, 'Status');
}
