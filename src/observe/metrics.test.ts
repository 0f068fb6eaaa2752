import { expect, test } from 'vitest';
import { createMetrics, type ReadableMetrics } from './metrics.ts';
import { createRequestIds } from './request-id.ts';
import { ServerMetrics } from './server-metrics.ts';

test('requests are counted by operation and status, with their time and bytes', async () => {
  const metrics = createMetrics();
  metrics.requestStarted();
  metrics.requestStarted();
  metrics.requestEnded({
    operation: 'PutObject',
    status: 200,
    durationSeconds: 0.002,
    receivedBytes: 4096,
    sentBytes: 0,
  });
  metrics.storeFailed('unavailable');
  metrics.checksumMismatched('client');
  metrics.logLinesLost(2);
  metrics.logLinesLost(1);
  const text = await textOf([metrics]);
  expect(text).toContain('pithos_requests_total{operation="PutObject",status="200"} 1');
  expect(text).toContain('pithos_request_duration_seconds_bucket{le="0.0025",operation="PutObject"} 1');
  expect(text).toContain('pithos_received_bytes_total 4096');
  expect(text).toContain('pithos_requests_in_flight 1');
  expect(text).toContain('pithos_store_errors_total{kind="unavailable"} 1');
  expect(text).toContain('pithos_checksum_mismatches_total{source="client"} 1');
  expect(text).toContain('pithos_log_lines_lost_total 3');
});

test('requests to Cassandra are counted by table, operation and outcome, and corrupt copies by blobstore', async () => {
  const metrics = createMetrics();
  const request = { keyspace: 'pithos', table: 's3_object', operation: 'transaction', durationMs: 3 };
  metrics.cassandraRequestEnded({ ...request, outcome: 'ok' });
  metrics.cassandraRequestEnded({ ...request, outcome: 'in-doubt' });
  metrics.chunkCorrupted('us-east-1/STANDARD');
  const text = await textOf([metrics]);
  const labels = 'keyspace="pithos",table="s3_object",operation="transaction"';
  expect(text).toContain(`pithos_cassandra_requests_total{${labels},outcome="in-doubt"} 1`);
  expect(text).toContain(`pithos_cassandra_request_duration_seconds_bucket{le="0.005",${labels}} 2`);
  expect(text).toContain('pithos_corrupt_chunks_total{store="us-east-1/STANDARD"} 1');
});

test('the metrics of several processes add up', async () => {
  const workers = [createMetrics(), createMetrics()];
  for (const worker of workers) {
    worker.requestStarted();
    worker.requestStarted();
    worker.requestEnded({ operation: 'GetObject', status: 200, durationSeconds: 0.1, receivedBytes: 0, sentBytes: 7 });
  }
  const text = await textOf(workers);
  expect(text).toContain('pithos_requests_total{operation="GetObject",status="200"} 2');
  expect(text).toContain('pithos_sent_bytes_total 14');
  expect(text).toContain('pithos_requests_in_flight 2');
  expect(text).toMatch(/pithos_request_duration_seconds_count\{operation="GetObject"\} 2/);
});

test('request ids are 16 upper-case hex digits, each another', () => {
  const next = createRequestIds();
  const ids = Array.from({ length: 2000 }, next);
  expect(ids.every((id) => /^[0-9A-F]{16}$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
});

async function textOf(processes: readonly ReadableMetrics[]): Promise<string> {
  return (await new ServerMetrics().render(new Map(processes.map((each, id) => [id, each.snapshot()])))).text;
}
