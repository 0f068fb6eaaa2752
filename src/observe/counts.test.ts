import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { Counts } from './counts.ts';

const BOUNDS = [0.001, 0.01, 1];
const OBSERVED = [0, 0.001, 0.0010001, 0.5, 1, 7];

test('a snapshot is what prom-client makes of the same events', async () => {
  const counts = new Counts();
  const registry = new Registry();
  const registers = [registry];

  const plain = counts.counter('plain_total', 'Plain.');
  const theirPlain = new Counter({ name: 'plain_total', help: 'Plain.', registers });
  const gauge = counts.gauge('gauge', 'Up and down.');
  const theirGauge = new Gauge({ name: 'gauge', help: 'Up and down.', registers });
  const labelNames = ['operation', 'status'] as const;
  const labelled = counts.counter('labelled_total', 'With labels.', labelNames);
  const theirs = new Counter({ name: 'labelled_total', help: 'With labels.', labelNames, registers });
  counts.counter('never_total', 'Never counted.', ['kind']);
  new Counter({ name: 'never_total', help: 'Never counted.', labelNames: ['kind'], registers });
  const histogram = counts.histogram('seconds', 'Times.', { labels: ['operation'], bounds: BOUNDS });
  const theirHistogram = new Histogram({
    name: 'seconds',
    help: 'Times.',
    labelNames: ['operation'],
    buckets: BOUNDS,
    registers,
  });

  plain.add(4096, {});
  theirPlain.inc(4096);
  for (const amount of [1, 1, -1]) {
    gauge.add(amount, {});
    theirGauge.inc(amount);
  }
  for (const labels of [
    { operation: 'GetObject', status: 200 },
    { operation: 'GetObject', status: 404 },
    { operation: 'GetObject', status: 200 },
  ]) {
    labelled.add(1, labels);
    theirs.inc(labels);
  }
  for (const [index, seconds] of OBSERVED.entries()) {
    const labels = { operation: index % 2 === 0 ? 'GetObject' : 'PutObject' };
    histogram.observe(seconds, labels);
    theirHistogram.observe(labels, seconds);
  }

  const expected = (await registry.getMetricsAsJSON()).map(({ values, ...family }) => ({
    ...family,
    values: values.map((value) => Object.fromEntries(Object.entries(value).filter(([name]) => name !== 'exemplar'))),
  }));
  expect(counts.snapshot()).toEqual(expected);
});

test('a snapshot stays as it was when more is counted', () => {
  const counts = new Counts();
  const sum = counts.counter('plain_total', 'Plain.');
  const before = counts.snapshot();
  sum.add(1, {});
  expect(before[0]?.values[0]?.value).toBe(0);
});
