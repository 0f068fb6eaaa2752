import type { AccessKey } from '../../src/domain/access-key.ts';
import { parseAccessKeyId, parseTenantId } from '../../src/domain/names.ts';
import { S3Error } from '../../src/domain/s3-error.ts';
import { Secret } from '../../src/domain/secret.ts';
import { type Authenticated, Authenticator } from '../../src/http/auth/authenticator.ts';
import { RequestHeaders } from '../../src/http/parameters.ts';
import { parseTarget } from '../../src/http/target.ts';
import type { ClientSide } from '../../src/http/trusted-proxies.ts';
import { MemoryKeystore } from '../../src/stores/memory/keystore.ts';
import { type KeyPair, sha256, signByHeader } from './sign.ts';

/** The key pair and the moment of AWS's own examples. */
export const KEYS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
export const AT_MS = Date.UTC(2013, 4, 24);
export const HOST = 'examplebucket.s3.amazonaws.com';
/** The hash of no bytes. */
export const EMPTY = sha256('');
/** A client that asks without a proxy. */
export const DIRECT: ClientSide = {
  sourceIp: '192.0.2.1',
  scheme: 'http',
  hosts: [],
  port: undefined,
  isProxied: false,
};
/** Nothing that need be configured is. */
export const NO_PROXIES = { sigV2: false, names: { publicUrls: [], virtualHosts: [] } };
export const CREDENTIAL = `${KEYS.accessKeyId}/20130524/us-east-1/s3/aws4_request`;

export function context(changes: { region?: string; atMs?: number; keys?: KeyPair } = {}) {
  return { keys: KEYS, atMs: AT_MS, ...changes };
}

export async function signed(keys: KeyPair, changes: { region?: string; atMs?: number } = {}): Promise<Authenticated> {
  const { headers } = signByHeader(
    { method: 'GET', path: '/b', headers: { host: HOST } },
    EMPTY,
    context({ keys, ...changes }),
  );
  return authenticate('GET /b', headers);
}

export async function signedHeaders(changes: { signedHeaders?: string[] }): Promise<Record<string, string>> {
  return signByHeader({ method: 'GET', path: '/b', headers: { host: HOST }, ...changes }, EMPTY, context()).headers;
}

export async function authenticate(line: string, headers: Readonly<Record<string, string>>): Promise<Authenticated> {
  return authenticateRaw(line, Object.entries(headers).flat());
}

export async function authenticateRaw(line: string, rawHeaders: readonly string[]): Promise<Authenticated> {
  return callRaw(makeAuthenticator(new MemoryKeystore([accessKey(KEYS)])), line, rawHeaders);
}

export async function call(
  authenticator: Authenticator,
  line: string,
  headers: Readonly<Record<string, string>>,
): Promise<Authenticated> {
  return callRaw(authenticator, line, Object.entries(headers).flat());
}

export async function callRaw(
  authenticator: Authenticator,
  line: string,
  rawHeaders: readonly string[],
): Promise<Authenticated> {
  const method = line.slice(0, line.indexOf(' '));
  const headers = new RequestHeaders(rawHeaders);
  const target = parseTarget({ url: line.slice(method.length + 1), host: headers.raw('host') }, []);
  return authenticator.authenticate({ method, target, headers, client: DIRECT }, options());
}

export function makeAuthenticator(keys: MemoryKeystore, changes: { sigV2?: boolean } = {}): Authenticator {
  const regions = { default: 'eu-test-1', names: ['eu-test-1', 'eu-test-2'] };
  return new Authenticator({ keys, regions, clock: { nowMs: () => AT_MS }, ...NO_PROXIES, ...changes });
}

export function accessKey({ accessKeyId, secretAccessKey }: KeyPair): AccessKey {
  const id = parseAccessKeyId(accessKeyId);
  if (id === undefined) throw new TypeError('The test needs a key.');
  const tenant = parseTenantId('tenant');
  return {
    accessKeyId: id,
    secret: new Secret(secretAccessKey),
    tenant,
    displayName: 'Tenant',
    master: false,
    memberOf: [],
  };
}

export function options() {
  return { signal: new AbortController().signal };
}

export async function failureOf(promise: Promise<unknown>): Promise<S3Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof S3Error) return error;
  throw new Error('The test expects an S3Error.', { cause: error });
}

export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error instanceof S3Error ? error.code : String(error)),
  );
}
