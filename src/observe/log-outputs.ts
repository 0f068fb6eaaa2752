import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import pino from 'pino';
import { GatheredLines } from './gathered-lines.ts';
import { createLog, type Log, type LogLevel } from './log.ts';
import { NO_LOG } from './silence.ts';

export interface LogOutputs {
  readonly level: LogLevel;
  /** Of standard output. */
  readonly format: 'pretty' | 'json';
  /** Whether standard output is written to. */
  readonly console: boolean;
  /** Files that every process of the server adds its lines to. */
  readonly files: readonly { readonly path: string; readonly format: 'pretty' | 'json' }[];
}

/** A log file cannot be written to, in one sentence for the user. */
export class LogFileError extends Error {
  override readonly name = 'LogFileError';
}

/** One log that goes to standard output, to files, or both. Throws `LogFileError` where a file cannot be opened. */
export function openLogOutputs({ level, format, console, files }: LogOutputs): Log {
  const logs = files.map((file) => openLogFile(level, file));
  if (console) logs.unshift(createLog({ level, format }));
  const [first, ...others] = logs;
  if (first === undefined) return NO_LOG;
  return others.length === 0 ? first : toAll(logs);
}

/** Lines are written whole, at the end, so that those of several processes do not mix; one of an error, at once. */
function openLogFile(level: LogLevel, { path, format }: LogOutputs['files'][number]): Log {
  let fd: number;
  try {
    mkdirSync(dirname(path), { recursive: true });
    fd = openSync(path, 'a');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LogFileError(`The log file ${path} cannot be written to: ${reason}.`, { cause });
  }
  const file = pino.destination({ dest: fd, sync: true });
  const lines = new GatheredLines((text) => file.write(text));
  process.on('exit', () => lines.flush());
  const log = createLog({ level, format, destination: lines });
  return {
    ...log,
    error(fields, message) {
      log.error(fields, message);
      lines.flush();
    },
    flush: () => lines.flush(),
  };
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
    flush: () => each((log) => log.flush()),
  };
}
