import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

export interface HttpRelay extends AsyncDisposable {
  readonly endpoint: string;
}

/** What a relay does with one request: nothing (`pass`), the answer itself, or another body for the server's answer. */
export type Relayed =
  | 'pass'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string }
  | { readonly without: string }
  | { change(body: Buffer): Buffer };

/** A way to an S3 server that may answer in its place. Signatures hold, for the Host header stays. */
export async function startHttpRelay(
  endpoint: string,
  decide: (request: { readonly method: string; readonly url: string }) => Relayed,
): Promise<HttpRelay> {
  const server = createServer((incoming, outgoing) => {
    const decided = decide({ method: incoming.method ?? '', url: incoming.url ?? '' });
    if (decided !== 'pass' && 'status' in decided) {
      outgoing.writeHead(decided.status, { ...decided.headers }).end(decided.body);
    } else void relay(endpoint, { incoming, outgoing }, decided);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    endpoint: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function relay(
  endpoint: string,
  { incoming, outgoing }: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse },
  decided: Exclude<Relayed, { readonly status: number }>,
): Promise<void> {
  const { hostname, port } = new URL(endpoint);
  const { method, url, headers } = incoming;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request({ hostname, port, method, path: url, headers }, resolve).on('error', reject).end();
  const answer = await promise;
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const kept = { ...answer.headers };
  if (decided !== 'pass' && 'without' in decided) delete kept[decided.without];
  outgoing.writeHead(answer.statusCode ?? 0, kept);
  outgoing.end(decided !== 'pass' && 'change' in decided ? decided.change(body) : body);
}
