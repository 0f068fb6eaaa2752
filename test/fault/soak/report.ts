import { loadavg } from 'node:os';
import type { LossesReport } from '../lose-nodes.ts';
import type { Round, SoakReport } from './soak.ts';

const MIB = 1024 ** 2;
const MINUTE_MS = 60_000;

type Rows = readonly (readonly [name: string, value: string | number])[];

/** A report for people, in Markdown. */
export function describeSoak(report: SoakReport): string {
  const { rounds, answers, problems } = report;
  const rows: Rows = [
    ['seed', report.seed],
    ['load', `${(report.loadMs / MINUTE_MS).toFixed(1)} minutes, ${rounds.length} rounds`],
    ['writes acknowledged', report.acknowledged],
    ['writes in doubt', report.inDoubt],
    ...answers.describe(),
    ['entries of histories, linearizable', report.entries],
    ['workers killed', report.workerKills],
    ['servers killed, stopped', `${report.serverKills}, ${report.serverStops}`],
    ['backups restored and checked', report.backups],
    ['writes a minute: first round, last, most', curve(rounds, 'writesPerMinute', 1)],
    ['memory, MiB: first round, last, most', curve(rounds, 'memoryBytes', MIB)],
    ['open files: first round, last, most', curve(rounds, 'openFiles', 1)],
    ['data directory, MiB: first round, last, most', curve(rounds, 'diskBytes', MIB)],
  ];
  return describe(rows, problems);
}

/** The same of a load on a cluster whose nodes were lost. */
export function describeLosses(report: LossesReport): string {
  const rows: Rows = [
    ['seed', report.seed],
    ['load', `${(report.loadMs / MINUTE_MS).toFixed(1)} minutes`],
    ['operations of the history, linearizable', report.entries],
    ['in doubt among them', report.entriesInDoubt],
    ...report.answers.describe(),
    ['nodes killed, started again and repaired', report.nodesKilled],
    ['gateways held', report.gatewaysHeld],
  ];
  return describe(rows, report.problems);
}

function describe(rows: Rows, problems: readonly string[]): string {
  const all: Rows = [...rows, ['load of the machine at the end', loadavg()[0]?.toFixed(1) ?? '']];
  const table = ['| | |', '|---|---|', ...all.map(([name, value]) => `| ${name} | ${value} |`)].join('\n');
  const outcome =
    problems.length === 0 ? 'Nothing is lost, torn or left over.' : problems.map((each) => `- ${each}`).join('\n');
  return `${table}\n\n${outcome}\n`;
}

function curve(rounds: readonly Round[], name: keyof Round, unit: number): string {
  const values = rounds.map((round) => Math.round(round[name] / unit));
  return values.length === 0 ? 'none' : `${values[0]}, ${values.at(-1)}, ${Math.max(...values)}`;
}
