import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SERVE_KEYS, type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { recordWindows } from './record-windows.ts';
import { S3Subject } from './s3-subject.ts';

const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? Math.floor(Math.random() * 1e9));
const OPERATIONS = Number(process.env['PITHOS_TEST_OPERATIONS'] ?? 100_000);
/** What is recorded before it is checked, and held in memory. */
const WINDOW_OPERATIONS = 20_000;
/** As slow as 150 operations a second, in milliseconds. */
const TIMEOUT_MS = 600_000 + OPERATIONS * 7;
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

  test(`answer ${OPERATIONS} operations of 64 clients linearizably`, { timeout: TIMEOUT_MS }, async () => {
    const keys = Array.from({ length: 48 }, (_, index) => `key-${index}`);
    const beganAt = performance.now();
    const inline = await recordWindows({
      clients: CLIENTS,
      keys,
      operations: OPERATIONS,
      windowOperations: WINDOW_OPERATIONS,
      seed: SEED,
      openWindow: (index) => newSubjects(`inline-${index}`),
    });
    const blobs = await recordWindows({
      clients: 16,
      keys: keys.slice(0, 8),
      operations: OPERATIONS / 20,
      windowOperations: WINDOW_OPERATIONS / 20,
      seed: SEED,
      openWindow: (index) => newSubjects(`blobs-${index}`, 16, BLOB_BYTES),
    });
    for (const history of [inline, blobs]) {
      expect(history.verdict).toEqual({ kind: 'linearizable' });
      expect(history.inDoubt).toBe(0);
      expect(history.conditional / history.writes).toBeGreaterThan(0.3);
      console.log(`${history.entries} entries in ${history.windows} windows, ${history.conditional} conditional.`);
    }
    const seconds = ((performance.now() - beganAt) / 1_000).toFixed(0);
    console.log(`${OPERATIONS * 1.05} operations in ${seconds} s; ${process.memoryUsage().rss >> 20} MiB at the end.`);
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
