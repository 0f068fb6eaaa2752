import { mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { LineOutput } from './line-output.ts';
import { createLog, type Log, type LogLevel, type LogOptions } from './log.ts';
import { printable } from './printable.ts';
import { NO_LOG } from './silence.ts';

const STDOUT_FD = 1;
const STDERR_FD = 2;

export interface LogOutputs {
  readonly level: LogLevel;
  /** Of standard output. */
  readonly format: 'pretty' | 'json';
  /** Whether standard output is written to. */
  readonly console: boolean;
  /** Files that every process of the server adds its lines to. */
  readonly files: readonly { readonly path: string; readonly format: 'pretty' | 'json' }[];
}

export interface LogHooks {
  /** Called where lines could not be written to one of the outputs, with how many. */
  readonly countLost?: (lines: number) => void;
}

/** A log file cannot be written to, in one sentence for the user. */
export class LogFileError extends Error {
  override readonly name = 'LogFileError';
}

/** One log that goes to standard output, to files, or both. Throws `LogFileError` where a file cannot be opened. */
export function openLogOutputs({ level, format, console, files }: LogOutputs, hooks: LogHooks = {}): Log {
  const logs = files.map((file) =>
    logTo(openLogFile(file.path), { name: file.path, level, format: file.format, ...hooks }),
  );
  if (console) logs.unshift(logTo(STDOUT_FD, { name: 'standard output', level, format, styled: true, ...hooks }));
  const [first, ...others] = logs;
  if (first === undefined) return NO_LOG;
  return others.length === 0 ? first : toAll(logs);
}

function openLogFile(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a');
  } catch (cause) {
    throw new LogFileError(`The log file ${path} cannot be written to: ${reasonOf(cause)}.`, { cause });
  }
}

/** A log whose lines are lost where they cannot be written: no request waits or fails for it. */
function logTo(
  fd: number,
  {
    name,
    countLost = () => undefined,
    ...options
  }: Omit<LogOptions, 'destination'> & LogHooks & { readonly name: string },
): Log {
  const lines = new LineOutput({
    fd,
    countLost,
    onLoss: (error) => complain(`The log cannot be written to ${name}: ${reasonOf(error)}. Until it can, it is lost.`),
    onRecovered: (lostLines) =>
      log.warn({ lostLines }, 'lines were lost before this one: the log could not be written'),
  });
  const log = createLog({ ...options, destination: lines });
  process.on('exit', () => lines.finish());
  return {
    ...log,
    error(fields, message) {
      log.error(fields, message);
      // The process may be about to end.
      void lines.flush();
    },
    flush: () => lines.flush(),
  };
}

/** Says on standard error what the log cannot say, where at least that can be written. */
function complain(sentence: string): void {
  try {
    writeSync(STDERR_FD, `pithos: ${printable(sentence)}\n`);
  } catch {
    // Nobody is left to be told.
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function toAll(logs: readonly Log[]): Log {
  const each = (write: (log: Log) => void) => {
    for (const log of logs) write(log);
  };
  return {
    isLevelEnabled: (level) => logs.some((log) => log.isLevelEnabled(level)),
    debug: (fields, message) => each((log) => log.debug(fields, message)),
    info: (fields, message) => each((log) => log.info(fields, message)),
    warn: (fields, message) => each((log) => log.warn(fields, message)),
    error: (fields, message) => each((log) => log.error(fields, message)),
    flush: async () => void (await Promise.all(logs.map((log) => log.flush()))),
  };
}
