import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../bench/free-port.ts';
import { clientPath, runClient } from './client.ts';

const START_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

/** nginx before a server, as a user sets it up. */
export interface Nginx extends AsyncDisposable {
  readonly port: number;
  /** The certificate that clients have to trust. */
  readonly certificate: string;
}

export interface NginxSettings {
  /** An empty folder for all that nginx writes. */
  readonly folder: string;
  readonly scheme: 'http' | 'https';
  /** What stands in its `location`, such as `proxy_pass …;`. */
  readonly location: string;
  /** The path of the `location`; `/` unless given. */
  readonly path?: string;
}

/** Runs nginx on a free port of 127.0.0.1 and resolves once it accepts connections. Disposing of it stops it. */
export async function startNginx({ folder, scheme, location, path = '/' }: NginxSettings): Promise<Nginx> {
  await mkdir(folder);
  const certificate = await makeCertificate(folder);
  const port = await freePort();
  const isTls = scheme === 'https';
  const tls = isTls ? 'ssl_certificate cert.pem; ssl_certificate_key key.pem;' : '';
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid nginx.pid; error_log stderr warn;
    events {}
    http {
      access_log off; client_body_temp_path body; proxy_temp_path proxy;
      fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
      server {
        listen 127.0.0.1:${port}${isTls ? ' ssl' : ''}; ${tls}
        client_max_body_size 0; proxy_request_buffering off; proxy_http_version 1.1;
        location ${path} { ${location} }
      }
    }`,
  );
  const nginx = spawn(clientPath('nginx'), ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  nginx.stderr.setEncoding('utf8').on('data', (text) => said.push(text));
  const ended = once(nginx, 'exit');
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  while (!(await accepts(port))) {
    if (deadline.aborted || nginx.exitCode !== null) {
      nginx.kill('SIGKILL');
      throw new Error(`nginx did not start:\n${said.join('')}`);
    }
    await pause(POLL_MS);
  }
  return {
    port,
    certificate,
    async [Symbol.asyncDispose]() {
      nginx.kill('SIGTERM');
      await ended;
    },
  };
}

/** A certificate for the hosts of the tests; its path. A wildcard right below `localhost` would match nothing. */
async function makeCertificate(folder: string): Promise<string> {
  const names = 'subjectAltName=DNS:localhost,DNS:by-host.localhost,DNS:s3.example.com,IP:127.0.0.1';
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-subj', '/CN=localhost', '-addext', names, '-keyout', 'key.pem', '-out', 'cert.pem'];
  await runClient('openssl', [...args, ...files], { cwd: folder, env: {} });
  return join(folder, 'cert.pem');
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const outcome = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(
      () => false,
      () => false,
    ),
  ]).catch(() => false);
  socket.destroy();
  return outcome;
}
