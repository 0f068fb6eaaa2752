import type fc from 'fast-check';
import { describeRequest, type S3Call } from './s3-call.ts';
import type { ServerPair } from './s3-pair.ts';
import type { NaiveS3 } from './s3-state.ts';

/** A call as the model's state makes it; `undefined` where there is nothing yet that it could be about. */
export type Plan = (s3: NaiveS3) => S3Call | undefined;

export type ModelCommand = fc.AsyncCommand<NaiveS3, ServerPair>;

/** One call on the model and on both servers. In a counterexample it is the request that it came to. */
export class S3Command implements ModelCommand {
  readonly #plan: Plan;
  #said = '(nothing)';

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  check(): boolean {
    return true;
  }

  async run(s3: NaiveS3, servers: ServerPair): Promise<void> {
    const call = this.#plan(s3);
    this.#said = call === undefined ? '(nothing)' : describeRequest(call.request);
    if (call !== undefined) await servers.perform(call);
  }

  toString(): string {
    return `\n  ${this.#said}`;
  }
}

/** Moves the clocks of the model and of both servers. */
export class ClockCommand implements ModelCommand {
  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  check(): boolean {
    return true;
  }

  async run(s3: NaiveS3, servers: ServerPair): Promise<void> {
    s3.nowMs += this.#ms;
    servers.advance(this.#ms);
  }

  toString(): string {
    return `\n  ${this.#ms} ms pass`;
  }
}
