import type { BenchReport, Result } from './report.ts';
import { groupByTitle, numberText, rateText } from './table.ts';

const COLOURS = ['#1f6f8b', '#d9822b', '#6b8e23', '#8e4585', '#b5443c', '#4f5d75', '#a08020', '#2a9d8f'];
const NAME_X = 16;
const RATE = { x: 130, width: 250 };
const LATENCY = { x: 520, width: 330 };
const CPU = { x: 890, width: 200 };
const WIDTH = 1220;
const BAR_HEIGHT = 14;
const ROW_HEIGHT = 20;
const TITLE_HEIGHT = 26;
const GAP = 16;
const TOP = 70;

const STYLE = 'text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600}.small{font-size:10px;fill:#666}';

/**
 * A report as one SVG that needs nothing else: for each workload a bar of the rate for each target, its latencies from
 * p50 over p90 and p99 to the greatest, and its processor time for one operation.
 */
export function plotOf(report: BenchReport): string {
  const colourOf = new Map(
    report.targets.map(({ name }, index) => [name, COLOURS[index % COLOURS.length] ?? '#000'] as const),
  );
  const [fromMs, toMs] = latencyRange(report.results);
  const parts: string[] = [];
  let y = TOP;
  for (const [title, results] of groupByTitle(report.results)) {
    const height = TITLE_HEIGHT + results.length * ROW_HEIGHT;
    parts.push(text(NAME_X, y + 14, title, 'title'), latencyTicks({ y: y + TITLE_HEIGHT, height, fromMs, toMs }));
    const ratesMax = Math.max(...results.map(({ rate }) => rate));
    const cpuMax = Math.max(...results.map(({ serverCpuUs = 0 }) => serverCpuUs));
    for (const [index, result] of results.entries()) {
      const at = y + TITLE_HEIGHT + index * ROW_HEIGHT;
      const colour = colourOf.get(result.target) ?? '#000';
      parts.push(rowOf(result, { y: at, colour, ratesMax, cpuMax, fromMs, toMs }));
    }
    y += height + GAP;
  }
  const { startedAt, loads, rounds, seconds, warmUpRounds } = report;
  const about = `pithos bench, ${startedAt}: ${rounds} rounds of ${seconds} s a turn after ${warmUpRounds} to warm up, load ${loads.join(' to ')}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}">`,
    `<style>${STYLE}</style><rect width="100%" height="100%" fill="#fff"/>`,
    text(NAME_X, 24, about, 'title'),
    text(RATE.x, 52, 'rate', 'small'),
    text(LATENCY.x, 52, 'latency: p50, p90, p99, max (ms)', 'small'),
    text(CPU.x, 52, 'server CPU for one operation (µs)', 'small'),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

interface RowScale {
  readonly y: number;
  readonly colour: string;
  readonly ratesMax: number;
  readonly cpuMax: number;
  readonly fromMs: number;
  readonly toMs: number;
}

function rowOf(result: Result, { y, colour, ratesMax, cpuMax, fromMs, toMs }: RowScale): string {
  const { target, rate, unit, latency, serverCpuUs } = result;
  const rateWidth = scaled(rate, ratesMax, RATE.width);
  const middle = y + BAR_HEIGHT / 2;
  const xOf = (ms: number) => latencyX(ms, { fromMs, toMs });
  const points = [latency.p50Ms, latency.p90Ms, latency.p99Ms, latency.maxMs].map(
    (ms, index) => `<circle cx="${xOf(ms)}" cy="${middle}" r="${5 - index}" fill="${colour}"/>`,
  );
  const cpu =
    serverCpuUs === undefined
      ? text(CPU.x, y + 11, 'not measured', 'small')
      : bar({ x: CPU.x, y, width: scaled(serverCpuUs, cpuMax, CPU.width), colour, label: numberText(serverCpuUs) });
  return [
    text(NAME_X, y + 11, target),
    bar({ x: RATE.x, y, width: rateWidth, colour, label: rateText(rate, unit) }),
    `<line x1="${xOf(latency.p50Ms)}" x2="${xOf(latency.maxMs)}" y1="${middle}" y2="${middle}" stroke="${colour}"/>`,
    ...points,
    cpu,
  ].join('');
}

interface Bar {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly colour: string;
  readonly label: string;
}

function bar({ x, y, width, colour, label }: Bar): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${BAR_HEIGHT}" fill="${colour}"/>${text(x + width + 6, y + 11, label)}`;
}

interface LatencyScale {
  readonly fromMs: number;
  readonly toMs: number;
}

function latencyTicks({ y, height, fromMs, toMs }: LatencyScale & { y: number; height: number }): string {
  const ticks: string[] = [];
  for (let ms = fromMs; ms <= toMs; ms *= 10) {
    const x = latencyX(ms, { fromMs, toMs });
    ticks.push(`<line x1="${x}" x2="${x}" y1="${y}" y2="${y + height - TITLE_HEIGHT}" stroke="#ddd"/>`);
    ticks.push(text(x - 8, y - 4, `${ms}`, 'small'));
  }
  return ticks.join('');
}

function latencyRange(results: readonly Result[]): readonly [fromMs: number, toMs: number] {
  const least = Math.min(...results.map(({ latency }) => latency.p50Ms).filter((ms) => ms > 0), 1);
  const greatest = Math.max(...results.map(({ latency }) => latency.maxMs), 10);
  return [10 ** Math.floor(Math.log10(least)), 10 ** Math.ceil(Math.log10(greatest))];
}

function latencyX(ms: number, { fromMs, toMs }: LatencyScale): number {
  const share = (Math.log10(Math.max(ms, fromMs)) - Math.log10(fromMs)) / (Math.log10(toMs) - Math.log10(fromMs));
  return Math.round(LATENCY.x + share * LATENCY.width);
}

function scaled(value: number, max: number, width: number): number {
  return max > 0 ? Math.round((value / max) * width) : 0;
}

function text(x: number, y: number, value: string, kind?: 'title' | 'small'): string {
  const escaped = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x}" y="${y}"${kind === undefined ? '' : ` class="${kind}"`}>${escaped}</text>`;
}
