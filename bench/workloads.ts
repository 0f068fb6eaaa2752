import { Connection } from '../test/support/connection.ts';
import { type KeyPair, queryText, sha256, signByHeader } from '../test/support/sign.ts';

export const KIB = 1024;
export const MIB = 1024 ** 2;

/** A server under measurement. */
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly keys: KeyPair;
  /** The process whose tree is the server. */
  readonly pid: number;
  readonly bucket: string;
}

export interface Workload {
  readonly name: string;
  readonly kind: 'put' | 'get' | 'list' | 'mixed';
  readonly sizeBytes: number;
  readonly clients: number;
  /** Objects that are read, or that are overwritten in turn. */
  readonly objects: number;
}

export const WORKLOADS: readonly Workload[] = [
  { name: 'put 4 KiB', kind: 'put', sizeBytes: 4 * KIB, clients: 32, objects: 2_000 },
  { name: 'get 4 KiB', kind: 'get', sizeBytes: 4 * KIB, clients: 32, objects: 2_000 },
  { name: 'put 64 KiB', kind: 'put', sizeBytes: 64 * KIB, clients: 32, objects: 500 },
  { name: 'get 64 KiB', kind: 'get', sizeBytes: 64 * KIB, clients: 32, objects: 500 },
  { name: 'put 1 MiB', kind: 'put', sizeBytes: MIB, clients: 16, objects: 64 },
  { name: 'get 1 MiB', kind: 'get', sizeBytes: MIB, clients: 16, objects: 64 },
  { name: 'put 64 MiB', kind: 'put', sizeBytes: 64 * MIB, clients: 4, objects: 4 },
  { name: 'get 64 MiB', kind: 'get', sizeBytes: 64 * MIB, clients: 4, objects: 4 },
  { name: 'mixed 4 KiB', kind: 'mixed', sizeBytes: 4 * KIB, clients: 32, objects: 2_000 },
  { name: 'list 1,000 keys', kind: 'list', sizeBytes: 4 * KIB, clients: 4, objects: 2_000 },
];

/** Of so many requests of a mixed load so many read; the others write. */
const MIXED_TURN = 10;
const MIXED_GETS = 7;

/** A request made and signed before the measurement, and the body that must come back. */
export interface PreparedRequest {
  readonly parts: readonly Uint8Array[];
  readonly expected: Uint8Array | undefined;
}

/** Signs all requests of a workload on objects with `body`; signatures hold for 15 minutes. Payload hashes are signed. */
export function prepare(target: Target, workload: Workload, body: Uint8Array): PreparedRequest[] {
  const prefix = `${workload.sizeBytes}/`;
  if (workload.kind === 'list') {
    const query = [
      ['list-type', '2'],
      ['max-keys', '1000'],
      ['prefix', prefix],
    ] as const;
    return [{ parts: [signedHead(target, { method: 'GET', path: `/${target.bucket}`, query })], expected: undefined }];
  }
  const hash = sha256(body);
  return Array.from({ length: workload.objects }, (_, index) => {
    const path = `/${target.bucket}/${prefix}${String(index).padStart(6, '0')}`;
    const isGet = workload.kind === 'get' || (workload.kind === 'mixed' && index % MIXED_TURN < MIXED_GETS);
    if (isGet) return { parts: [signedHead(target, { method: 'GET', path })], expected: body };
    const head = signedHead(target, { method: 'PUT', path, length: body.length, hash });
    return { parts: [head, body], expected: undefined };
  });
}

/** Sends `requests` in turn from `clients` connections until `isOver`; every answer must be 200. */
export async function drive(
  target: Target,
  requests: readonly PreparedRequest[],
  options: { readonly clients: number; readonly isOver: (sent: number) => boolean },
): Promise<number[]> {
  const durationsMs: number[] = [];
  let sent = 0;
  const run = async (): Promise<void> => {
    const connection = await Connection.open(target);
    try {
      while (!options.isOver(sent)) {
        const request = requests[sent % requests.length];
        sent += 1;
        if (request === undefined) return;
        const answer = await connection.send(request.parts, request.expected);
        if (answer.status !== 200)
          throw new Error(`${target.name} answered: ${answer.head}\n${answer.body.toString()}`);
        durationsMs.push(answer.durationMs);
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: options.clients }, run));
  return durationsMs;
}

interface HeadOptions {
  readonly method: string;
  readonly path: string;
  readonly query?: readonly (readonly [string, string])[];
  readonly length?: number;
  readonly hash?: string;
}

function signedHead(target: Target, { method, path, query = [], length = 0, hash = sha256('') }: HeadOptions): Buffer {
  const host = `${target.host}:${target.port}`;
  const { headers } = signByHeader({ method, path, query, headers: { host } }, hash, {
    keys: target.keys,
    atMs: Date.now(),
  });
  const lines = Object.entries({ ...headers, 'content-length': String(length) });
  const search = query.length === 0 ? '' : `?${queryText(query)}`;
  return Buffer.from(
    `${method} ${path}${search} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  );
}

/** Makes the target's bucket. */
export async function makeBucket(target: Target): Promise<void> {
  const connection = await Connection.open(target);
  const answer = await connection.send([signedHead(target, { method: 'PUT', path: `/${target.bucket}` })]);
  connection.close();
  if (answer.status !== 200)
    throw new Error(`${target.name} made no bucket: ${answer.head}\n${answer.body.toString()}`);
}
