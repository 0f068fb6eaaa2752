import type { LogLevel } from './config.ts';
import { parseDurationMs } from './units.ts';

/** Most worker processes one server may have. */
const WORKERS_MAX = 256;

const LOG_LEVELS: Readonly<Record<string, LogLevel>> = {
  all: 'debug',
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'error',
  off: 'silent',
};

/** What one scalar of the configuration may be, in words, and its value: `undefined` where the text is none. */
export interface Rule<Value> {
  readonly expected: string;
  parse(text: string): Value | undefined;
}

export const TRUTH: Rule<boolean> = {
  expected: 'true or false',
  parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
};
export const DURATION: Rule<number> = { expected: 'a duration such as 500ms, 30s or 2h', parse: parseDurationMs };

export function ruleOfText(expected: string): Rule<string> {
  return { expected, parse: (text) => (text === '' ? undefined : text) };
}

export function ruleOfInteger(min: number, max: number): Rule<number> {
  return { expected: `a whole number from ${min} to ${max}`, parse: (text) => parseInteger(text, min, max) };
}

export function ruleOfOne<const Value extends string>(...values: readonly Value[]): Rule<Value> {
  return { expected: `one of ${values.join(', ')}`, parse: (text) => values.find((value) => value === text) };
}

export function parseInteger(text: string, min: number, max: number): number | undefined {
  const value = Number(text);
  return /^\d{1,15}$/.test(text) && value >= min && value <= max ? value : undefined;
}

const host = ruleOfText('a host name or an IP address');

/** What most starts are told, and no more: with these alone, a configuration is read without the schema. */
export const PLAIN_RULES = {
  service: {
    host,
    port: ruleOfInteger(0, 65_535),
    'admin-host': host,
    'admin-port': {
      expected: 'a port from 0 to 65535, or off',
      parse: (text): number | 'off' | undefined => (text === 'off' ? text : parseInteger(text, 0, 65_535)),
    },
    workers: ruleOfInteger(1, WORKERS_MAX),
    'shutdown-grace': DURATION,
  },
  logging: {
    level: {
      expected: `one of ${Object.keys(LOG_LEVELS).join(', ')}`,
      parse: (text): LogLevel | undefined => (Object.hasOwn(LOG_LEVELS, text) ? LOG_LEVELS[text] : undefined),
    },
    format: ruleOfOne('auto', 'pretty', 'json'),
    console: TRUTH,
  },
  options: {
    'data-directory': ruleOfText('the path of a directory'),
    durability: ruleOfOne('strict', 'relaxed'),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Rule<unknown>>>>>;
