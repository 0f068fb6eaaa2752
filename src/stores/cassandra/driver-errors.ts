import { errors, types } from 'cassandra-driver';
import { StoreError } from '../store.ts';

const { responseErrorCodes } = types;
/** What was sent: a read writes nothing, and a transaction may be decided although its coordinator says otherwise. */
export type RequestKind = 'read' | 'write' | 'transaction';

/** Answers of a coordinator that has not begun to do what it was asked. */
const NOT_BEGUN = new Set<number>([
  responseErrorCodes.unavailableException,
  responseErrorCodes.isBootstrapping,
  responseErrorCodes.overloaded,
]);
/** Answers that say that the request itself is wrong: a mistake of ours, or a schema that is not there. */
const REFUSED = new Set<number>([
  responseErrorCodes.syntaxError,
  responseErrorCodes.invalid,
  responseErrorCodes.configError,
  responseErrorCodes.unauthorized,
  responseErrorCodes.badCredentials,
]);

const SERIAL_LEVELS: readonly unknown[] = [types.consistencies.serial, types.consistencies.localSerial];

/** What a failed request of the driver means. */
export function storeErrorOf(error: unknown, kind: RequestKind): StoreError {
  if (error instanceof StoreError) return error;
  const text = error instanceof Error ? firstLine(error.message) : String(error);
  if (isRefused(error)) {
    const hint = text.includes('unconfigured table') || text.includes('does not exist');
    const advice = hint ? 'Run `pithos install-schema`.' : 'Check the rights of its user, and its version.';
    return new StoreError('unavailable', `Cassandra refused a request: ${text}. ${advice}`, { cause: error });
  }
  const isCertain = kind === 'read' || isNotBegun(error, kind);
  return new StoreError(isCertain ? 'unavailable' : 'in-doubt', `Cassandra did not do what it was asked: ${text}`, {
    cause: error,
  });
}

/** Whether nothing of a write was done, nor will be. */
function isNotBegun(error: unknown, kind: RequestKind): boolean {
  if (error instanceof errors.BusyConnectionError) return true;
  if (error instanceof errors.ResponseError) return isAnswerOfNone(error, kind) || REFUSED.has(error.code);
  // A write is sent once, and the driver says this only where there was no connection to send it on.
  return (
    error instanceof errors.NoHostAvailableError &&
    Object.values(error.innerErrors ?? {}).every((inner) => isNotSent(inner, kind))
  );
}

/**
 * A coordinator counts the replicas of a transaction again, for its commit, once consensus has accepted it; and then
 * may find too few, or too many hints. Only what it says of the serial level it said before.
 */
function isAnswerOfNone(error: errors.ResponseError, kind: RequestKind): boolean {
  if (kind !== 'transaction' || error.code === responseErrorCodes.isBootstrapping) return NOT_BEGUN.has(error.code);
  return (
    error.code === responseErrorCodes.unavailableException &&
    'consistencies' in error &&
    SERIAL_LEVELS.includes(error.consistencies)
  );
}

/** Whether the same request will be refused again. */
export function isRefused(error: unknown): boolean {
  return error instanceof errors.ResponseError && REFUSED.has(error.code);
}

function isNotSent(error: unknown, kind: RequestKind): boolean {
  if (error instanceof errors.OperationTimedOutError) return false;
  if (error instanceof errors.ResponseError) return isAnswerOfNone(error, kind);
  const isOfSocket = error instanceof Error && 'isSocketError' in error;
  return !isOfSocket || 'requestNotWritten' in error;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
