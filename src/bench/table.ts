import type { BenchReport, Result, SyncCount } from './report.ts';

const MIB = 1024 ** 2;
const COLUMNS = ['', 'rate', 'ratio', 'p50', 'p90', 'p99', 'max', 'CPU', 'ratio', 'generator'];
const UNKNOWN = '-';

/** A report as a table for people. */
export function tableOf(report: BenchReport): string {
  const { results, targets, seconds, rounds, warmUpRounds, loads, coresCount } = report;
  const [firstTarget] = targets;
  const rows = groupByTitle(results).flatMap(([title, group]) => [
    [`${title}, ${group[0]?.clientsCount} clients`],
    ...group.map(rowOf),
  ]);
  return [
    ...aligned([COLUMNS, ...rows]),
    '',
    ...syncLines(report.syncs),
    `rounds: ${rounds} of ${seconds} s a turn, after ${warmUpRounds} to warm up; load ${loads.join(' before, ')} after; cores: ${coresCount}`,
    `rate: median of the rounds; p50 to max: ms; ratio: to ${firstTarget?.name ?? UNKNOWN}; CPU: server, in µs for one` +
      ' operation; generator: CPU of the load generator, likewise',
    '',
  ].join('\n');
}

/** A rate in the unit of its workload: `1,234/s`, `56.7 MiB/s`. */
export function rateText(rate: number, unit: Result['unit']): string {
  if (unit === 'bytes') return `${numberText(rate / MIB)} MiB/s`;
  return unit === 'entries' ? `${numberText(rate)} entries/s` : `${numberText(rate)}/s`;
}

/** With thousands set apart from 100 on, three digits below. */
export function numberText(value: number): string {
  if (value < 100) return value.toPrecision(3);
  return Math.round(value).toLocaleString('en-US');
}

/** Results of one workload together, in the order of the report. */
export function groupByTitle(results: readonly Result[]): [title: string, results: Result[]][] {
  return [...Map.groupBy(results, ({ title }) => title)];
}

function rowOf({ target, rate, unit, ratios, latency, serverCpuUs, generatorCpuUs }: Result): string[] {
  const orUnknown = (value: number | undefined) => (value === undefined ? UNKNOWN : numberText(value));
  return [
    `  ${target}`,
    rateText(rate, unit),
    numberText(ratios.rate),
    ...[latency.p50Ms, latency.p90Ms, latency.p99Ms, latency.maxMs].map(numberText),
    orUnknown(serverCpuUs),
    orUnknown(ratios.serverCpu),
    numberText(generatorCpuUs),
  ];
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const cells = rows.filter((row) => row.length > 1);
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => {
    if (row.length === 1) return row.join('');
    const [name = '', ...others] = row;
    const figures = others.map((cell, index) => cell.padStart(widths[index + 1] ?? 0));
    return [name.padEnd(widths[0] ?? 0), ...figures].join('  ');
  });
}

function syncLines(syncs: readonly SyncCount[]): string[] {
  if (syncs.length === 0) return [];
  const lines = syncs.map(({ target, workload, syncsPerOperation, reason }) => {
    const figure = syncsPerOperation === undefined ? `not counted: ${reason}` : numberText(syncsPerOperation);
    return [`  ${workload}`, target, figure];
  });
  const [first = 0, second = 0] = [0, 1].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return [
    'syncs for one operation, with one client',
    ...lines.map(
      ([workload = '', target = '', figure]) => `${workload.padEnd(first)}  ${target.padEnd(second)}  ${figure}`,
    ),
    '',
  ];
}
