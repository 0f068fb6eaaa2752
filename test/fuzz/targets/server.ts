import { connect } from 'node:net';
import type { HttpLimits } from '../../../src/http/limits.ts';
import { requestBytes } from '../../support/raw-http.ts';
import { sha256, signByHeader } from '../../support/sign.ts';
import { ALICE, NOW_MS } from '../../support/start-front.ts';
import { demand, type FuzzTarget } from '../fuzz-target.ts';
import { converse, type Heard, type Manner } from '../server/converse.ts';
import { type ForkedServer, forkServer } from '../server/fork-server.ts';
import { makeCase, parseCase } from '../server/make-case.ts';
import { KEPT, KEPT_BUCKET, SERVER_HOST } from '../server/names.ts';
import { type HeardAnswer, readAnswers, requireGoodAnswer } from '../server/read-answers.ts';
import { type CertainRequest, type ReadRequests, readRequests } from '../server/read-requests.ts';
import type { ServerState } from '../server/served-front.ts';

/** Limits that a run can wait for; what they do is the same as with longer ones. */
const LIMITS: Partial<HttpLimits> = {
  headersTimeoutMs: 400,
  keepAliveTimeoutMs: 400,
  bodyWindowMs: 400,
  drainTimeoutMs: 400,
};
/** Longest that a connection stays open under `LIMITS`, on a busy machine, in milliseconds. */
const CLOSE_MS_MAX = 10_000;
/** How long after the last case its connections may take to end, in milliseconds. */
const SETTLE_MS_MAX = 10_000;
const SETTLE_STEP_MS = 50;
/** What the server may hold after a run beside what it held when it was warm, in bytes. */
const GROWTH_BYTES_MAX = 32 * 1024 * 1024;
/** After as many cases the server has compiled and cached what it will. */
const WARM_AFTER_CASES = 100;

export interface ServerTargetOptions {
  readonly limits?: Partial<HttpLimits>;
  readonly closeMsMax?: number;
  /** Changes what is heard, as a broken server would: for the tests of the target itself. */
  readonly spoil?: (answers: readonly HeardAnswer[], of: 'case' | 'kept') => readonly HeardAnswer[];
  /** Connections that the client opens and forgets, for the same; and how long the others may take to end. */
  readonly leakedCount?: number;
  readonly settleMsMax?: number;
}

/**
 * Bytes on sockets of a whole server, from right requests to none at all. Each request whose end is certain has one
 * well-formed answer, in order, unless the door was closed; none is a failure of the server; no connection stays open
 * longer than the limits let it; a right request on a new connection is answered after every case, with the object that
 * was acknowledged before; and after the run the server has no more sockets than before, and no more memory than named.
 */
export function server(options: ServerTargetOptions = {}): FuzzTarget {
  let run: ServerRun | undefined;
  return {
    name: 'server',
    make: makeCase,
    check: async (input) => {
      if (run === undefined) throw new Error('The server was not started.');
      await run.check(input);
    },
    async begin() {
      run = await ServerRun.start(options);
      return run;
    },
  };
}

class ServerRun {
  readonly #server: ForkedServer;
  readonly #options: ServerTargetOptions;
  readonly #socketsCount: number;
  #heldBytes = 0;
  #cases = 0;

  private constructor(forked: ForkedServer, options: ServerTargetOptions, socketsCount: number) {
    this.#server = forked;
    this.#options = options;
    this.#socketsCount = socketsCount;
  }

  static async start(options: ServerTargetOptions): Promise<ServerRun> {
    const forked = await forkServer({ ...LIMITS, ...options.limits });
    return new ServerRun(forked, options, (await settled(forked, 1, SETTLE_MS_MAX)).socketsCount);
  }

  async check(input: string): Promise<void> {
    const { manner, text } = parseCase(input);
    const certain = readRequests(text);
    // Of what goes on without an end nobody knows what it becomes.
    const read: ReadRequests = manner.end === 'endless' ? { ...certain, rest: 'doubtful' } : certain;
    const heard = await this.#converse(text, manner, read);
    const methods = read.requests.map(({ method }) => method);
    const { answers, interimCount, rest } = readAnswers(heard.text, methods);
    requireGoodExchange({ read, heard, manner, answers: this.#spoil(answers, 'case'), rest });
    demand(interimCount === 0 || /expect/i.test(text), 'The server said to go on, unasked.');
    await this.#checkKept();
    this.#cases += 1;
    const isWarming = this.#cases <= WARM_AFTER_CASES;
    const { errors, heldBytes } = await this.#server.state(isWarming ? 'collected' : 'now');
    demand(errors.length === 0, `The server logged an error: ${errors.join('\n')}`);
    if (isWarming) this.#heldBytes = Math.max(this.#heldBytes, heldBytes);
  }

  async finish(): Promise<void> {
    const { leakedCount = 0, settleMsMax = SETTLE_MS_MAX } = this.#options;
    const leaked = Array.from({ length: leakedCount }, () => connect(this.#server.port, '127.0.0.1'));
    const { socketsCount, heldBytes } = await settled(this.#server, this.#socketsCount, settleMsMax);
    for (const socket of leaked) socket.destroy();
    demand(socketsCount <= this.#socketsCount, `${socketsCount} sockets are open after the last case.`);
    const growthBytes = heldBytes - this.#heldBytes;
    demand(growthBytes < GROWTH_BYTES_MAX, `The server holds ${growthBytes} bytes more than when it was warm.`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #spoil(answers: readonly HeardAnswer[], of: 'case' | 'kept'): readonly HeardAnswer[] {
    return this.#options.spoil?.(answers, of) ?? answers;
  }

  #converse(text: string, manner: Manner, { requests, rest }: ReadRequests): Promise<Heard> {
    const { closeMsMax = CLOSE_MS_MAX } = this.#options;
    const methods = requests.map(({ method }) => method);
    const isEnough = (received: string) => {
      if (rest !== 'none') return false;
      try {
        const { answers } = readAnswers(received, methods);
        return answers.length >= requests.length && answers.every(({ isWhole }) => isWhole);
      } catch {
        // What is no answer ends the conversation, and is judged then.
        return true;
      }
    };
    return converse(Buffer.from(text, 'latin1'), { ...manner, port: this.#server.port, isEnough, closeMsMax });
  }

  /** A right request on a connection of its own has the object that was acknowledged before the first case. */
  async #checkKept(): Promise<void> {
    const [key = '', expected] = [...KEPT][this.#cases % KEPT.size] ?? [];
    const path = `/${KEPT_BUCKET}/${key}`;
    const request = { method: 'GET', path, headers: { host: SERVER_HOST } };
    const { headers } = signByHeader(request, sha256(''), { keys: ALICE, atMs: NOW_MS });
    const text = requestBytes(`GET ${path}`, headers).toString('latin1');
    const manner: Manner = { pieceBytes: [Number.POSITIVE_INFINITY], end: 'open' };
    const heard = await this.#converse(text, manner, readRequests(text));
    const [answer] = this.#spoil(readAnswers(heard.text, ['GET']).answers, 'kept');
    demand(answer?.status === 200 && answer.body === expected, `${path} is ${answer?.status} ${answer?.body}.`);
  }
}

interface Exchanged {
  readonly read: ReadRequests;
  readonly heard: Heard;
  readonly manner: Manner;
  readonly answers: readonly HeardAnswer[];
  readonly rest: string;
}

function requireGoodExchange({ read, heard, manner, answers, rest }: Exchanged): void {
  for (const answer of answers) requireGoodAnswer(answer);
  const ids = new Set(answers.map(({ headers }) => headers.get('x-amz-request-id')));
  demand(ids.size === answers.length, 'Two answers have one id.');
  const { requests } = read;
  const extraCount = answers.length - requests.length;
  if (read.rest !== 'doubtful') {
    demand(
      extraCount <= (read.rest === 'none' ? 0 : 1),
      `${answers.length} answers came to ${requests.length} requests.`,
    );
  }
  for (const [index, request] of requests.entries()) {
    const answer = answers[index];
    if (answer !== undefined) requireAnswerTo(request, answer);
  }
  // A client that has ended its side has no claim to an answer: the server takes it for gone.
  if (manner.end !== 'open') return;
  demand(rest === '' && answers.every(({ isWhole }) => isWhole), 'An answer was cut short.');
  const last = answers.at(-1);
  const isShut = heard.isClosedByServer && (last?.headers.get('connection') === 'close' || (last?.status ?? 0) >= 400);
  demand(extraCount >= 0 || isShut, `${answers.length} answers came to ${requests.length} requests.`);
}

const HOST_BUCKET = /^\/[^/]+$/;

/** An answer says which request it belongs to by the object that it holds, or by the resource of its error. */
function requireAnswerTo({ method, target }: CertainRequest, { status, body, isWhole }: HeardAnswer): void {
  if (!isWhole || method === 'HEAD') return;
  const [path = '', query] = target.split('?');
  const kept = method === 'GET' && query === undefined ? KEPT.get(path.slice(`/${KEPT_BUCKET}/`.length)) : undefined;
  if (kept !== undefined && path.startsWith(`/${KEPT_BUCKET}/`)) {
    demand(status !== 200 || body === kept, `${target} was answered with another body.`);
    demand(status !== 206 || kept.includes(body), `A range of ${target} was answered with another body.`);
  }
  const [, resource = ''] = /<Resource>([^<]*)<\/Resource>/.exec(body) ?? [];
  if (status < 400 || resource === '' || !/^[/a-z0-9-]+$/.test(path)) return;
  const [named = ''] = resource.split('?');
  // A host that was changed may name a bucket, which then stands before the path.
  const isOnHost = named.endsWith(path) && HOST_BUCKET.test(named.slice(0, -path.length));
  demand(named === path || isOnHost, `The error of ${path} is about ${named}.`);
}

/** The state once no more sockets are open than `socketsMax`, or when waiting for it is over. */
async function settled(forked: ForkedServer, socketsMax: number, msMax: number): Promise<ServerState> {
  for (const beganAt = performance.now(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP_MS));
    const state = await forked.state('collected');
    if (state.socketsCount <= socketsMax || performance.now() - beganAt > msMax) return state;
  }
}
