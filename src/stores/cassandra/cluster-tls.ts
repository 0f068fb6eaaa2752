import { readFile } from 'node:fs/promises';
import { checkServerIdentity, createSecureContext, type PeerCertificate } from 'node:tls';
import type { ClientOptions } from 'cassandra-driver';
import { StoreError } from '../store.ts';

export interface TlsOptions {
  /** Paths of PEM files. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly verify: boolean;
}

type TlsSettings = NonNullable<ClientOptions['sslOptions']>;

const SET_CA = 'Set ca of tls to the certificate that signed those of the nodes.';
const SET_CERT = 'The nodes want a certificate that they know: set cert and key of tls.';
/** What to do about a handshake that failed, by what Node calls it. */
const ADVICE: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: SET_CA,
  SELF_SIGNED_CERT_IN_CHAIN: SET_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: SET_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: SET_CA,
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate of a node must name its address, or one of the contact points.',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: SET_CERT,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: SET_CERT,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: SET_CERT,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: SET_CERT,
};

/**
 * How the driver makes connections with TLS. Throws `StoreError` where a file is not what it should be.
 * The driver looks names up and connects to addresses, and finds further nodes by theirs; so of a certificate that is
 * signed by whom we trust it is enough that it names the address or any contact point.
 */
export async function tlsSettings(
  { ca, cert, key, verify }: TlsOptions,
  contactPoints: readonly string[],
): Promise<TlsSettings> {
  const [caPem, certPem, keyPem] = await Promise.all(
    [ca, cert, key].map((path) => (path === undefined ? undefined : readPem(path))),
  );
  const files = {
    ...(caPem === undefined ? {} : { ca: [caPem] }),
    ...(certPem === undefined ? {} : { cert: certPem }),
    ...(keyPem === undefined ? {} : { key: keyPem }),
  };
  checkFiles(files);
  return { rejectUnauthorized: verify, checkServerIdentity: identityCheck(contactPoints.map(hostOf)), ...files };
}

/** Why a handshake failed and what to do about it, or `undefined` where something else did. */
export function tlsProblem(error: unknown): { readonly reason: string; readonly advice: string } | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const advice = ADVICE[String(error.code)];
  if (advice === undefined) return undefined;
  // What OpenSSL says of itself is its own source file.
  const isOpenSsl = String(error.code).startsWith('ERR_SSL_') && 'reason' in error;
  return { reason: isOpenSsl ? String(error.reason) : error.message.trim(), advice };
}

function identityCheck(hosts: readonly string[]): NonNullable<TlsSettings['checkServerIdentity']> {
  return (address: string, certificate: PeerCertificate) => {
    const problem = checkServerIdentity(address, certificate);
    if (hosts.some((host) => checkServerIdentity(host, certificate) === undefined)) return undefined;
    return problem;
  };
}

function hostOf(contactPoint: string): string {
  return contactPoint.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

async function readPem(path: string): Promise<Buffer> {
  return await readFile(path).catch((error: unknown) => {
    throw new StoreError('unavailable', `A file of the TLS settings cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  });
}

interface Files {
  readonly ca?: Buffer[];
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Before the driver connects, for it would say of the nodes what is wrong with the files. */
function checkFiles(files: Files): void {
  // OpenSSL takes a file without a certificate for one with none.
  for (const [name, pem] of [['ca', files.ca?.[0]] as const, ['cert', files.cert] as const]) {
    if (pem?.includes('-----BEGIN ') === false) {
      throw new StoreError('unavailable', `The file that ${name} of tls names has no certificate in PEM.`);
    }
  }
  const problem = problemOf(files);
  if (problem !== undefined) {
    const message = `OpenSSL refused the files of tls: ${messageOf(problem)}. Check ca, cert and key.`;
    throw new StoreError('unavailable', message, { cause: problem });
  }
}

function problemOf(files: Files): unknown {
  try {
    createSecureContext(files);
    return undefined;
  } catch (error) {
    return error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
