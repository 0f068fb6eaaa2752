import type { HttpLimits } from '../../../src/http/limits.ts';
import { ALICE, NOW_MS } from '../../support/start-front.ts';
import { startWholeFront } from '../../support/whole-front.ts';
import { FUZZED_BUCKET, KEPT, KEPT_BUCKET } from './names.ts';

/** What a server says of itself, when it is asked. */
export interface ServerState {
  /** What it has logged as an error since it was last asked. */
  readonly errors: readonly string[];
  /** Open TCP sockets, the one that listens among them. */
  readonly socketsCount: number;
  /** What JavaScript holds, and buffers; what it would hold after a collection where that was asked for. */
  readonly heldBytes: number;
}

/**
 * A server in a process of its own, forked by `forkServer`: the whole of S3 on the embedded engine, under limits short
 * enough to wait for, at a moment that stands still, so that a signed request is the same bytes in every run. Says its
 * port when it is up, and its state whenever it is asked; ends when its parent has gone.
 */
async function serve(limits: Partial<HttpLimits>): Promise<void> {
  const whole = await startWholeFront('embedded', { limits });
  const { front } = whole;
  front.clock.now = NOW_MS;
  for (const path of [KEPT_BUCKET, FUZZED_BUCKET]) await whole.ok({ method: 'PUT', path: `/${path}`, keys: ALICE });
  for (const [key, body] of KEPT) await whole.ok({ method: 'PUT', path: `/${KEPT_BUCKET}/${key}`, body });
  // So that the bucket cannot be deleted: no case names this key.
  await whole.ok({ method: 'PUT', path: `/${FUZZED_BUCKET}/anchor`, body: 'anchor' });
  process.on('message', (question) => process.send?.(stateOf(front.logLines, { collects: question === 'collected' })));
  process.once('disconnect', () => void whole[Symbol.asyncDispose]());
  process.send?.(front.port);
}

function stateOf(logLines: Record<string, unknown>[], { collects }: { collects: boolean }): ServerState {
  const errors = logLines.filter(({ level }) => level === 'error').map((line) => JSON.stringify(line));
  logLines.length = 0;
  if (collects) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const socketsCount = process.getActiveResourcesInfo().filter((name) => /^TCP(Server|Socket)Wrap$/.test(name)).length;
  return { errors, socketsCount, heldBytes: heapUsed + external };
}

await serve(JSON.parse(process.argv[2] ?? '{}'));
