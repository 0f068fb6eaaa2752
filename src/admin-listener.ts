import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Health } from './readiness.ts';

// An import of node:http, which takes every export, loads an HTTP client and a WebSocket too: 70 ms of CPU at each start.
const { createServer } = process.getBuiltinModule('node:http');

/** Open connections at one time. */
const CONNECTIONS_MAX = 64;
/** How long a request may take to arrive, in milliseconds. */
const REQUEST_MS_MAX = 10_000;

export interface AdminSources {
  live(): Promise<Health>;
  ready(): Promise<Health>;
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** The listener for those who run the server: `/health/live`, `/health/ready` and `/metrics`, without credentials. */
export interface AdminListener extends AsyncDisposable {
  readonly port: number;
}

/** Starts it; rejects where the address cannot be had. */
export async function startAdminListener(
  at: { host: string; port: number },
  sources: AdminSources,
): Promise<AdminListener> {
  const server = createServer({ requestTimeout: REQUEST_MS_MAX }, (request, response) => {
    answer(request, sources).then(
      (reply) => send(response, reply),
      (error: unknown) => send(response, { status: 500, contentType: TEXT, body: `${String(error)}\n` }),
    );
  });
  server.maxConnections = CONNECTIONS_MAX;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(at.port, at.host, resolve);
  await promise;
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : at.port,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

const TEXT = 'text/plain; charset=utf-8';

interface AdminReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

async function answer({ method, url = '' }: IncomingMessage, sources: AdminSources): Promise<AdminReply> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, contentType: TEXT, body: 'GET and HEAD only\n' };
  switch (url.split('?', 1)[0]) {
    case '/health/live':
      return { contentType: TEXT, ...(await sources.live()) };
    case '/health/ready':
      return { contentType: TEXT, ...(await sources.ready()) };
    case '/metrics': {
      const { contentType, text } = await sources.metrics();
      return { status: 200, contentType, body: text };
    }
    default:
      return { status: 404, contentType: TEXT, body: 'There is /health/live, /health/ready and /metrics.\n' };
  }
}

function send(response: ServerResponse, { status, contentType, body }: AdminReply): void {
  const headers = {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  };
  response.writeHead(status, headers).end(body);
}
