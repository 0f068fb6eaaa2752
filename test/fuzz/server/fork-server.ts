import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { HttpLimits } from '../../../src/http/limits.ts';
import type { ServerState } from './served-front.ts';

const MAIN = new URL('./served-front.ts', import.meta.url).pathname;
/** Longest that the server takes to start, or to say how it is, in milliseconds. */
const PATIENCE_MS = 30_000;

export interface ForkedServer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** `collected`: after a collection of garbage. Rejects where the server has ended, or says nothing. */
  state(question: 'now' | 'collected'): Promise<ServerState>;
}

/** Starts `served-front.ts` in a process of its own, so that its memory and its sockets are nobody else's. */
export async function forkServer(limits: Partial<HttpLimits>): Promise<ForkedServer> {
  const child = fork(MAIN, [JSON.stringify(limits)], { execArgv: ['--expose-gc'], stdio: 'inherit' });
  const ended = once(child, 'exit');
  const next = async (): Promise<unknown> => {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(new Error('The server says nothing.')), PATIENCE_MS);
    const gone = ended.then(([code]) => Promise.reject(new Error(`The server has ended with ${code}.`)));
    try {
      const [message] = await Promise.race([once(child, 'message', { signal: controller.signal }), gone]);
      return message;
    } finally {
      clearTimeout(timer);
    }
  };
  const port = Number(await next());
  return {
    port,
    pid: child.pid ?? 0,
    async state(question) {
      const answer = next();
      child.send(question);
      const state = await answer;
      if (isState(state)) return state;
      throw new Error(`The server said ${JSON.stringify(state)}.`);
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

function isState(value: unknown): value is ServerState {
  return typeof value === 'object' && value !== null && 'errors' in value && 'heldBytes' in value;
}
