import { loadavg } from 'node:os';
import type { Resources } from './resources.ts';
import type { SoakReport } from './soak.ts';

const MIB = 1024 ** 2;

/** A report for people, in Markdown. */
export function describeSoak(report: SoakReport): string {
  const { rounds, problems } = report;
  const rows: readonly (readonly [string, string | number])[] = [
    ['seed', report.seed],
    ['load', `${(report.loadMs / 60_000).toFixed(1)} minutes, ${rounds.length} rounds`],
    ['writes acknowledged', report.acknowledged],
    ['writes in doubt', report.inDoubt],
    ['entries of histories, linearizable', report.entries],
    ['workers killed', report.workerKills],
    ['servers killed, stopped', `${report.serverKills}, ${report.serverStops}`],
    ['backups restored and checked', report.backups],
    ['memory, MiB: first round, last, most', curve(rounds, 'memoryBytes', MIB)],
    ['open files: first round, last, most', curve(rounds, 'openFiles', 1)],
    ['data directory, MiB: first round, last, most', curve(rounds, 'diskBytes', MIB)],
    ['load of the machine at the end', loadavg()[0]?.toFixed(1) ?? ''],
  ];
  const table = ['| | |', '|---|---|', ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join('\n');
  const outcome =
    problems.length === 0 ? 'Nothing is lost, torn or left over.' : problems.map((each) => `- ${each}`).join('\n');
  return `${table}\n\n${outcome}\n`;
}

function curve(rounds: readonly Resources[], name: keyof Resources, unit: number): string {
  const values = rounds.map((round) => Math.round(round[name] / unit));
  return values.length === 0 ? 'none' : `${values[0]}, ${values.at(-1)}, ${Math.max(...values)}`;
}
