import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';
import { ServerMetrics } from './server-metrics.ts';

const ENDED = { operation: 'GetObject', status: 200, durationSeconds: 0.004, receivedBytes: 0, sentBytes: 10 };

test('the metrics of several processes are summed, and those of one that ended stay in the sum', async () => {
  const server = new ServerMetrics();
  const [first, second] = [createMetrics(), createMetrics()];
  for (const metrics of [first, first, second]) {
    metrics.requestStarted();
    metrics.requestEnded(ENDED);
  }
  second.requestStarted();
  const snapshots = new Map([
    [1, first.snapshot()],
    [2, second.snapshot()],
  ]);
  server.setWorkers(2);
  const { text: before } = await server.render(snapshots);
  expect(before).toContain('pithos_requests_total{operation="GetObject",status="200"} 3');
  expect(before).toContain('pithos_request_duration_seconds_bucket{le="0.005",operation="GetObject"} 3');
  expect(before).toContain('pithos_requests_in_flight 1');
  expect(before).toContain('pithos_workers 2');

  server.workerEnded(2, { unasked: true });
  server.workerEnded(1, { unasked: false });
  const { text: after } = await server.render(new Map([[3, createMetrics().snapshot()]]));
  expect(after).toContain('pithos_requests_total{operation="GetObject",status="200"} 3');
  expect(after).toContain('pithos_request_duration_seconds_count{operation="GetObject"} 3');
  expect(after).toContain('pithos_requests_in_flight 0');
  expect(after).toContain('pithos_worker_deaths_total 1');
});
