import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SERVE_KEYS, type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { checkHistory } from './linearizable.ts';
import { S3Subject } from './s3-subject.ts';
import { recordHistory } from './workload.ts';

const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? Math.floor(Math.random() * 1e9));
const OPERATIONS = Number(process.env['PITHOS_TEST_OPERATIONS'] ?? 100_000);
const CLIENTS = 64;
const ROUNDS = 40;
/** More than is stored inline, so that some histories are of blobs. */
const BLOB_BYTES = 80_000;

let home: string;
let server: ServeProcess;

beforeAll(async () => {
  console.log(`PITHOS_TEST_SEED=${SEED}`);
  home = await mkdtemp(join(tmpdir(), 'pithos-history-'));
  server = await startServeProcess({ directory: join(home, 'data'), env: { PITHOS_LOGGING_LEVEL: 'info' } });
});

afterAll(async () => {
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

describe('Two worker processes on one directory', () => {
  test('let exactly one of 64 clients win each round of conditional writes', async () => {
    const subjects = await newSubjects('rounds');
    for (let round = 0; round < ROUNDS; round += 1) {
      const expected = { kind: 'absent' } as const;
      const puts = subjects.map((subject, client) =>
        subject.put(`key-${round % 3}`, { seed: `${round}/${client}`, expected }),
      );
      const outcomes = await Promise.all(puts);
      const winners = outcomes.filter(({ response }) => response.kind === 'done');
      expect(winners).toHaveLength(1);
      expect(outcomes.filter(({ response }) => response.kind === 'refused')).toHaveLength(CLIENTS - 1);
      expect(await subjects[0]?.get(`key-${round % 3}`)).toEqual({ kind: 'value', value: winners[0]?.value });
      await subjects[1]?.delete(`key-${round % 3}`, undefined);
    }
    close(subjects);
  });

  test(`answer ${OPERATIONS} operations of 64 clients linearizably`, { timeout: 600_000 }, async () => {
    const keys = Array.from({ length: 48 }, (_, index) => `key-${index}`);
    const subjects = [...(await newSubjects('inline')), ...(await newSubjects('blobs', 16, BLOB_BYTES))];
    const [inline, blobs] = [subjects.slice(0, CLIENTS), subjects.slice(CLIENTS)];
    const entries = await recordHistory(inline, { clients: CLIENTS, keys, operations: OPERATIONS, seed: SEED });
    const ofBlobs = await recordHistory(blobs, {
      clients: 16,
      keys: keys.slice(0, 8),
      operations: OPERATIONS / 20,
      seed: SEED,
    });
    close(subjects);
    for (const history of [entries, ofBlobs]) {
      expect(history.filter(({ response }) => response.kind === 'in-doubt')).toEqual([]);
      const conditional = history.filter(({ request }) => request.kind !== 'get' && request.expected !== undefined);
      const requests = history.filter(({ request }) => request.kind !== 'get').length * 1.5;
      expect(conditional.length / requests).toBeGreaterThan(0.2);
      expect(checkHistory(history)).toEqual({ kind: 'linearizable' });
    }
  });
});

async function newSubjects(bucket: string, count = CLIENTS, bodyBytes?: number): Promise<S3Subject[]> {
  const { endpoint, host, port } = server;
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: SERVE_KEYS });
  await client.send(new CreateBucketCommand({ Bucket: `history-${bucket}` }));
  client.destroy();
  const target = { host, port, bucket: `history-${bucket}`, keys: SERVE_KEYS };
  return Array.from({ length: count }, () => new S3Subject(target, bodyBytes));
}

function close(subjects: readonly S3Subject[]): void {
  for (const subject of subjects) subject[Symbol.dispose]();
}
