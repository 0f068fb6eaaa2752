import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { TlsConfig } from './config/config.ts';
import type { TlsPair } from './http/listener.ts';
import type { Log } from './observe/log.ts';

/** How often the files are looked at, in milliseconds. */
const LOOK_INTERVAL_MS = 5_000;

/** Certificate and key cannot be used, in one sentence for the user. */
export class TlsPairError extends Error {
  override readonly name = 'TlsPairError';
}

/** Reads the pair. Throws `TlsPairError` where a file cannot be read, is none of its kind, or does not fit the other. */
export async function readTlsPair({ cert: certPath, key: keyPath }: TlsConfig): Promise<TlsPair> {
  const cert = await readPem(certPath);
  const key = await readPem(keyPath);
  const certificate = parseFile(certPath, 'certificate', () => new X509Certificate(cert));
  const privateKey = parseFile(keyPath, 'private key without a passphrase', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new TlsPairError(`The key in ${keyPath} is not that of the certificate in ${certPath}.`);
  }
  return { cert, key };
}

export interface TlsWatch {
  readonly log: Log;
  /** Between two looks; five seconds unless given. */
  readonly intervalMs?: number;
  onPair(pair: TlsPair): void;
}

/** Gives every new pair that the files have. One that cannot be used is logged, and the old one stays. */
export function watchTlsPair(config: TlsConfig, { log, intervalMs = LOOK_INTERVAL_MS, onPair }: TlsWatch): Disposable {
  let seen: string | undefined;
  let isLooking = false;
  const look = async () => {
    const state = `${await stateOf(config.cert)} ${await stateOf(config.key)}`;
    const isChanged = seen !== undefined && state !== seen;
    seen = state;
    if (!isChanged) return;
    onPair(await readTlsPair(config));
    log.info({ cert: config.cert }, 'a new certificate is used for new connections');
  };
  const tick = () => {
    if (isLooking) return;
    isLooking = true;
    look()
      .catch((error: unknown) => log.error({ err: error }, 'the new certificate cannot be used: the old one stays'))
      .finally(() => {
        isLooking = false;
      });
  };
  tick();
  const timer = setInterval(tick, intervalMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Changes when the file does, through links and renames too. */
async function stateOf(path: string): Promise<string> {
  try {
    const { mtimeMs, ino, size } = await stat(path);
    return `${mtimeMs} ${ino} ${size}`;
  } catch (error) {
    return String(error);
  }
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new TlsPairError(`${path} cannot be read: ${messageOf(cause)}.`, { cause });
  }
}

function parseFile<Value>(path: string, what: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    throw new TlsPairError(`${path} holds no ${what} in PEM: ${messageOf(cause)}.`, { cause });
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
