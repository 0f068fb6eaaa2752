import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runClient } from './client.ts';
import { MIB } from './files.ts';
import { type Pithos, startPithos } from './pithos.ts';
import { type Relay, startRelay } from './relay.ts';

const SCRIPT = new URL('parquet_cases.py', import.meta.url).pathname;
/** The file has some 16 MiB in one column and little in the others. */
const FILE_BYTES_MIN = 12 * MIB;
const READ_BYTES_MAX = 4 * MIB;

let pithos: Pithos;
let relay: Relay;

beforeAll(async () => {
  pithos = await startPithos();
  relay = await startRelay(Number(new URL(pithos.endpoint).port));
});

afterAll(async () => {
  await relay?.[Symbol.asyncDispose]();
  await pithos?.[Symbol.asyncDispose]();
});

const python = (name: string, bucket: string): Promise<string> =>
  runClient('python', [SCRIPT, name, bucket], {
    cwd: pithos.folder,
    env: { ...pithos.env, AWS_ENDPOINT_URL: `http://${relay.host}`, AWS_ENDPOINT_URL_S3: `http://${relay.host}` },
  });

describe('Parquet', () => {
  test('is written by pyarrow, which reads one column of it by ranges', async () => {
    const sizeBytes = Number(await python('pyarrow_write', 'parquet-pyarrow'));
    expect(sizeBytes).toBeGreaterThan(FILE_BYTES_MIN);
    relay.takeReceivedBytes();
    await python('pyarrow_read_column', 'parquet-pyarrow');
    expect(relay.takeReceivedBytes()).toBeLessThan(READ_BYTES_MAX);
    await python('pyarrow_read_all', 'parquet-pyarrow');
    expect(relay.takeReceivedBytes()).toBeGreaterThan(FILE_BYTES_MIN);
  });

  test('is read by DuckDB by ranges, by column, by filter and over many files, and written by it', async () => {
    await python('pyarrow_write', 'parquet-duckdb');
    relay.takeReceivedBytes();
    await python('duckdb_read_column', 'parquet-duckdb');
    expect(relay.takeReceivedBytes()).toBeLessThan(READ_BYTES_MAX);
    await python('duckdb_write', 'parquet-duckdb');
  });
});
