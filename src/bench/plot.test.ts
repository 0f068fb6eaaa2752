import { expect, test } from 'vitest';
import { parseXml } from '../xml/parse.ts';
import { plotOf } from './plot.ts';
import type { BenchReport, Result } from './report.ts';
import { tableOf } from './table.ts';

function result(target: string, rate: number, serverCpuUs: number | undefined): Result {
  return {
    workload: 'put-4k',
    title: 'put 4 KiB',
    unit: 'operations',
    target,
    clientsCount: 32,
    operationsCount: 1,
    rate,
    latency: { p50Ms: 1, p90Ms: 2, p99Ms: 3, maxMs: 40 },
    serverCpuUs,
    generatorCpuUs: 45.6,
    ratios: { rate: rate / 2_000, serverCpu: undefined },
  };
}

const REPORT: BenchReport = {
  startedAt: '2026-01-02T03:04:05.000Z',
  seconds: 5,
  rounds: 3,
  warmUpRounds: 1,
  loads: ['0.5', '2.0'],
  coresCount: 2,
  targets: ['<one>', 'two'].map((name) => ({ name, endpoint: 'http://localhost/' })),
  results: [result('<one>', 2_000, 321), result('two', 1_000, undefined)],
  syncs: [
    { target: '<one>', workload: 'put-4k', syncsPerOperation: 2 },
    { target: 'two', workload: 'put-4k', syncsPerOperation: undefined, reason: 'strace is not there' },
  ],
};

test('the plot is one well-formed document with every target, and needs nothing from elsewhere', () => {
  const svg = plotOf(REPORT);
  expect(svg).not.toMatch(/NaN|undefined|Infinity|href|<script/);
  expect(svg).toContain('&lt;one&gt;');
  expect(svg).toContain('2,000/s');
  // The parser takes no attributes and namespaces that S3 does not have.
  const bare = svg.replaceAll(/ [\w-]+="[^"]*"/g, '').replaceAll(/>[^<]+</g, '><');
  expect(parseXml(Buffer.from(bare)).children.length).toBeGreaterThan(10);
});

test('the table has a line for each result and for each count of syncs', () => {
  const lines = tableOf(REPORT).split('\n');
  expect(lines).toContainEqual(
    expect.stringMatching(/^ {2}<one> +2,000\/s +1\.00 +1\.00 +2\.00 +3\.00 +40\.0 +321 +- +45\.6$/),
  );
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}two +1,000\/s +0\.500 .* - +- +45\.6$/));
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}put-4k +<one> +2\.00$/));
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}put-4k +two +not counted: strace is not there$/));
});
