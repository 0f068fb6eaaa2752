import { stdout } from 'node:process';
import { styleText } from 'node:util';
import pino from 'pino';
import { printable } from './printable.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

type LogFields = Readonly<Record<string, unknown>>;

/** Where every layer logs: fields first, then one sentence. Secrets print as `***` wherever they stand. */
export interface Log {
  isLevelEnabled(level: string): boolean;
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** Resolves once what was logged is written, or cannot be. */
  flush(): Promise<void>;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** `json`: one JSON object a line, for machines. `pretty`: one line for people. */
  readonly format: 'pretty' | 'json';
  /** Standard output unless given. */
  readonly destination?: { write(line: string): unknown };
  /** Lines for people are in colour where standard output is a terminal and `NO_COLOR` is not set; so unless elsewhere. */
  readonly styled?: boolean;
}

/** A log on pino. */
export function createLog({ level, format, destination, styled = destination === undefined }: LogOptions): Log {
  const out = destination ?? stdout;
  const options = {
    level,
    base: format === 'json' ? { pid: process.pid } : null,
    timestamp: timeMember,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const paint: Paint = styled ? styleText : (_, text) => text;
  const write =
    format === 'json'
      ? (line: string) => void out.write(line)
      : (line: string) => void out.write(prettyLine(line, paint));
  const logger = pino(options, { write });
  return {
    isLevelEnabled: (name) => logger.isLevelEnabled(name),
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    flush: async () => undefined,
  };
}

/** The time that was written last: a busy process writes several lines in one millisecond. */
let latestTime = { atMs: 0, member: '' };

/** The time now, as pino puts it into a line. */
function timeMember(): string {
  const atMs = Date.now();
  if (atMs !== latestTime.atMs) latestTime = { atMs, member: `,"time":"${new Date(atMs).toISOString()}"` };
  return latestTime.member;
}

const PLAIN_VALUE = /^[^\s"=]+$/u;
const LEVEL_STYLES = {
  debug: 'gray',
  info: 'green',
  warn: 'yellow',
  error: 'red',
} as const satisfies Record<string, Style>;

type Style = 'gray' | 'green' | 'yellow' | 'red';
type Paint = (style: Style, text: string) => string;

/** One line for people out of one line of JSON. */
function prettyLine(json: string, paint: Paint): string {
  const { time, level, msg, err, ...fields } = parseLine(json);
  const name = isStyledLevel(level) ? level : 'info';
  const clock = String(time).slice(11, 23);
  const parts = [paint('gray', clock), paint(LEVEL_STYLES[name], name.padEnd(5)), printable(String(msg))];
  for (const [key, value] of Object.entries(fields)) parts.push(`${paint('gray', `${key}=`)}${prettyValue(value)}`);
  const stack = stackOf(err);
  return `${parts.join(' ')}\n${stack === undefined ? '' : `${stack}\n`}`;
}

function parseLine(json: string): Record<string, unknown> {
  return JSON.parse(json) as Record<string, unknown>;
}

function isStyledLevel(level: unknown): level is keyof typeof LEVEL_STYLES {
  return typeof level === 'string' && Object.hasOwn(LEVEL_STYLES, level);
}

function prettyValue(value: unknown): string {
  const text = typeof value === 'string' && PLAIN_VALUE.test(value) ? value : JSON.stringify(value);
  return printable(text);
}

function stackOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('stack' in error)) return undefined;
  return String(error.stack)
    .split('\n')
    .map((line) => `  ${printable(line)}`)
    .join('\n');
}
