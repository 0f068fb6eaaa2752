import { errors, types } from 'cassandra-driver';
import { expect, test } from 'vitest';
import { StoreError, type StoreErrorKind } from '../store.ts';
import { isRefused, type RequestKind, storeErrorOf } from './driver-errors.ts';

const codes = types.responseErrorCodes;
const { consistencies } = types;

function answer(code: number, fields: object = {}): Error {
  return Object.assign(new errors.ResponseError(code, 'what it said'), fields);
}

function socket(fields: object = {}): Error {
  return Object.assign(new Error('Socket was closed'), { isSocketError: true, ...fields });
}

function noHost(...inner: readonly Error[]): Error {
  return new errors.NoHostAvailableError(Object.fromEntries(inner.map((error, index) => [`10.0.0.${index}`, error])));
}

const TIMEOUT = new errors.OperationTimedOutError('The host did not reply');
const DOWN = new Error('connect ECONNREFUSED');
const U = 'unavailable';
const D = 'in-doubt';

test.each<[what: string, error: unknown, meaning: Readonly<Record<RequestKind, StoreErrorKind>>]>([
  ['no host that could be tried', noHost(), { read: U, write: U, transaction: U }],
  ['no host that accepts connections', noHost(DOWN, DOWN), { read: U, write: U, transaction: U }],
  ['no host left after one that closed', noHost(DOWN, socket()), { read: U, write: D, transaction: D }],
  ['no host left after one that was silent', noHost(TIMEOUT, DOWN), { read: U, write: D, transaction: D }],
  ['a connection that closed', socket(), { read: U, write: D, transaction: D }],
  [
    'a connection that closed before it was used',
    noHost(socket({ requestNotWritten: true })),
    { read: U, write: U, transaction: U },
  ],
  ['silence', TIMEOUT, { read: U, write: D, transaction: D }],
  ['a busy connection', new errors.BusyConnectionError('10.0.0.1', 1, 1), { read: U, write: U, transaction: U }],
  ['a node that starts', answer(codes.isBootstrapping), { read: U, write: U, transaction: U }],
  ['an overloaded node', answer(codes.overloaded), { read: U, write: U, transaction: D }],
  [
    'too few replicas',
    answer(codes.unavailableException, { consistencies: consistencies.quorum }),
    { read: U, write: U, transaction: D },
  ],
  [
    'too few replicas for consensus',
    answer(codes.unavailableException, { consistencies: consistencies.serial }),
    { read: U, write: U, transaction: U },
  ],
  [
    'too few replicas for consensus in a data centre',
    answer(codes.unavailableException, { consistencies: consistencies.localSerial }),
    { read: U, write: U, transaction: U },
  ],
  ['a read that timed out', answer(codes.readTimeout), { read: U, write: D, transaction: D }],
  ['a write that timed out', answer(codes.writeTimeout), { read: U, write: D, transaction: D }],
  ['a replica that failed', answer(0x1500), { read: U, write: D, transaction: D }],
  ['a consensus of unknown outcome', answer(0x1700), { read: U, write: D, transaction: D }],
  ['an error of the server', answer(codes.serverError), { read: U, write: D, transaction: D }],
  ['a table that is not there', answer(codes.invalid), { read: U, write: U, transaction: U }],
  ['a user without rights', answer(codes.unauthorized), { read: U, write: U, transaction: U }],
  ['what nobody knows', 'a text', { read: U, write: D, transaction: D }],
])('%s', (_, error, meaning) => {
  for (const kind of ['read', 'write', 'transaction'] as const) {
    const failure = storeErrorOf(error, kind);
    expect({ [kind]: failure.kind }).toEqual({ [kind]: meaning[kind] });
    expect(failure.cause).toBe(error);
  }
});

test('what is refused would be refused again, and anything else perhaps not', () => {
  expect([codes.syntaxError, codes.invalid, codes.unauthorized].map((code) => isRefused(answer(code)))).toEqual([
    true,
    true,
    true,
  ]);
  for (const error of [answer(codes.overloaded), answer(codes.writeTimeout), TIMEOUT, socket(), noHost(), undefined]) {
    expect(isRefused(error)).toBe(false);
  }
});

test('a table that is missing is a matter of install-schema', () => {
  const error = new errors.ResponseError(codes.invalid, 'unconfigured table s3_object');
  expect(storeErrorOf(error, 'read').message).toBe(
    'Cassandra refused a request: unconfigured table s3_object. Run `pithos install-schema`.',
  );
});

test('an error that has its meaning keeps it', () => {
  const error = new StoreError('corrupt', 'A bad chunk.');
  expect(storeErrorOf(error, 'write')).toBe(error);
});
