import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** How long certificates are good, in days. */
const DAYS = '1';

/** Paths of a certificate and its key. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Who signs certificates, by files in one directory. Needs `openssl`. */
export class CertificateAuthority {
  readonly cert: string;
  readonly #key: string;
  readonly #directory: string;

  static async create(directory: string): Promise<CertificateAuthority> {
    const authority = new CertificateAuthority(directory);
    const to = ['-keyout', authority.#key, '-out', authority.cert];
    await run('openssl', ['req', '-x509', ...NEW_KEY, '-days', DAYS, ...to, '-subj', '/CN=the authority']);
    return authority;
  }

  constructor(directory: string) {
    this.#directory = directory;
    this.cert = join(directory, 'authority.pem');
    this.#key = join(directory, 'authority.key');
  }

  /** `alternatives`: such as `DNS:localhost,IP:127.0.0.1`. */
  async sign(name: string, alternatives: string): Promise<KeyPair> {
    const [cert, key, request, extensions] = ['pem', 'key', 'csr', 'ext'].map((ending) =>
      join(this.#directory, `${name}.${ending}`),
    );
    if (cert === undefined || key === undefined || request === undefined || extensions === undefined) {
      throw new TypeError('Four files were named.');
    }
    await writeFile(extensions, `subjectAltName=${alternatives}\n`);
    await run('openssl', ['req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', `/CN=${name}`]);
    const by = ['-CA', this.cert, '-CAkey', this.#key, '-CAcreateserial', '-days', DAYS];
    await run('openssl', ['x509', '-req', '-in', request, ...by, '-extfile', extensions, '-out', cert]);
    return { cert, key };
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Speaks TLS where a server does not. */
export class TlsProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** `clientCa`: the path of what must have signed the certificates of clients. */
  static async start(target: string, { cert, key }: KeyPair, clientCa?: string): Promise<TlsProxy> {
    const [certPem, keyPem] = await Promise.all([readFile(cert), readFile(key)]);
    const clients = clientCa === undefined ? {} : { ca: await readFile(clientCa), requestCert: true };
    const proxy = new TlsProxy(target, createServer({ cert: certPem, key: keyPem, ...clients }));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  constructor(target: string, server: Server) {
    const [host = '', port = ''] = target.split(':');
    this.#server = server;
    server.on('secureConnection', (incoming) => {
      const outgoing = connect({ host, port: Number(port) });
      for (const [from, to] of [
        [incoming, outgoing],
        [outgoing, incoming],
      ] as const) {
        this.#sockets.add(from);
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      }
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }
}
