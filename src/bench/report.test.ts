import { createHistogram } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { Secret } from '../domain/secret.ts';
import { objectWorkload } from './object-workloads.ts';
import { latencyOf, type MeasuredTurn, median, summarize } from './report.ts';
import type { Target } from './target.ts';

const WORKLOAD = objectWorkload({ kind: 'put', sizeBytes: 4096, clientsCount: 2, objectsCount: 2 });

function target(name: string): Target {
  // A target that nothing is sent to.
  const key = { accessKeyId: 'id', secret: new Secret('secret'), sessionToken: undefined };
  return { name, url: new URL('http://localhost'), region: 'us-east-1', key, pid: undefined, isTemporary: false };
}

function turn(operationsCount: number, serverCpuMs: number | undefined): MeasuredTurn {
  const latenciesUs = createHistogram();
  latenciesUs.record(1_000);
  return {
    operationsCount,
    amount: operationsCount,
    elapsedMs: 1_000,
    latenciesUs,
    serverCpuMs,
    generatorCpuMs: operationsCount / 100,
  };
}

test.each([
  [[], 0],
  [[7], 7],
  [[30, 10, 20], 20],
  [[4, 1, 3, 2], 2.5],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test('percentiles are those of the operations of all turns together', () => {
  const [fast, slow] = [createHistogram(), createHistogram()];
  for (let us = 1_000; us <= 90_000; us += 1_000) fast.record(us);
  for (let us = 91_000; us <= 100_000; us += 1_000) slow.record(us);
  const latency = latencyOf([fast, slow]);
  expect(latency.p50Ms).toBeCloseTo(50, 0);
  expect(latency.p90Ms).toBeCloseTo(90, 0);
  expect(latency.p99Ms).toBeCloseTo(99, 0);
  expect(latency.maxMs).toBeCloseTo(100, 0);
});

test('a result has the median rate, the CPU of one operation, and ratios to the first target', () => {
  const first = summarize(
    [turn(100, 20), turn(400, 80), turn(100, 20)],
    { workload: WORKLOAD, target: target('a'), clientsCount: 2 },
    undefined,
  );
  expect(first).toMatchObject({ target: 'a', operationsCount: 600, rate: 100, serverCpuUs: 200, generatorCpuUs: 10 });
  expect(first.ratios).toEqual({ rate: 1, serverCpu: 1 });
  const second = summarize([turn(50, 30)], { workload: WORKLOAD, target: target('b'), clientsCount: 2 }, first);
  expect(second.ratios).toEqual({ rate: 0.5, serverCpu: 3 });
});

test('the CPU of a server whose process is not known is unknown, and its ratio too', () => {
  const first = summarize(
    [turn(1, undefined)],
    { workload: WORKLOAD, target: target('a'), clientsCount: 2 },
    undefined,
  );
  expect(first.serverCpuUs).toBeUndefined();
  const second = summarize([turn(1, 1)], { workload: WORKLOAD, target: target('b'), clientsCount: 2 }, first);
  expect(second.ratios.serverCpu).toBeUndefined();
});
