import { METHODS } from 'node:http';
import type { FramedRequest } from '../framing/framed-request.ts';
import { makePipeline } from '../framing/make-pipeline.ts';
import { FRONT_PARSERS, type FramingParsers, type ReadByFront, readByFront } from '../framing/read-by-front.ts';
import { NodeReader, type ReadByNode } from '../framing/read-by-node.ts';
import { demand, type FuzzTarget } from '../fuzz-target.ts';

const WHOLE = [Number.POSITIVE_INFINITY];
/** Lengths of the pieces that a coded body comes in, over and over. */
const CUTS: readonly (readonly number[])[] = [[1], [2, 3], [7, 1, 64]];
/** Targets that node:http takes; of others the front says itself that they are none. */
const TARGET_OF_NODE = /^[/*][\x21-\x7e]*$/;

/**
 * Bytes of connections of HTTP/1.1. What the front accepts is the same requests to node:http, so that nothing hides from
 * one of them in what the other reads as a body or as a header; the front may accept less. What comes of a body in chunks
 * is the same however it is cut.
 */
export function httpFraming(broken: Partial<FramingParsers> = {}): FuzzTarget {
  const parsers: FramingParsers = { ...FRONT_PARSERS, ...broken };
  const node = new NodeReader();
  return {
    name: 'http-framing',
    make: makePipeline,
    async check(input) {
      const bytes = Buffer.from(input, 'latin1');
      const front = readByFront(bytes, { cut: WHOLE, parsers });
      for (const cut of CUTS) {
        const again = readByFront(bytes, { cut, parsers });
        demand(isSame(front, again), `What is read depends on how it is cut: ${told(front)} or ${told(again)}.`);
      }
      requireSame(front, await node.read(bytes));
    },
  };
}

function requireSame(front: ReadByFront, node: ReadByNode): void {
  for (const [index, request] of front.requests.entries()) {
    const other = node.requests[index];
    if (other === undefined) {
      // Its bytes end here for node:http, and there is nothing to compare.
      demand(isWider(request, front.requests[index - 1]), `node:http refuses ${told(request)} as ${node.errorCode}.`);
      return;
    }
    const isLine = request.method === other.method && request.target === other.target;
    demand(isLine && isSame(request.rawHeaders, other.rawHeaders), `${told(request)} is ${told(other)} to node:http.`);
    requireSameBody(request, other, front.end === 'body missing' && node.errorCode === undefined);
  }
  // A head that has no end yet may still be refused; a body is waited for.
  if (front.end !== 'body missing') return;
  demand(node.requests.length === front.requests.length, `node:http read more than ${told(front)}: ${told(node)}.`);
}

/** Where both wait for more of a body, it is the same so far; where one refuses it, it may have done so earlier. */
function requireSameBody(request: FramedRequest, other: FramedRequest, bothWait: boolean): void {
  const bodies = `${told(request.body)} and to node:http ${told(other.body)}`;
  if (request.isWhole) {
    demand(other.isWhole && request.body === other.body, `A body is ${bodies}.`);
  } else if (bothWait) {
    demand(!other.isWhole && request.body === other.body, `A body without its end is ${bodies}.`);
  } else {
    const isBegun = request.body.startsWith(other.body) || other.body.startsWith(request.body);
    demand(isBegun, `A body that is refused is ${bodies}.`);
  }
}

/**
 * What the front reads on purpose though node:http does not: methods and targets that it answers itself with errors of S3,
 * and what follows a request for another protocol, which it does not speak and so overlooks.
 */
function isWider({ method, target }: FramedRequest, before: FramedRequest | undefined): boolean {
  const isUpgrade = before?.rawHeaders.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'upgrade');
  return isUpgrade === true || !METHODS.includes(method) || !TARGET_OF_NODE.test(target);
}

function isSame(one: unknown, other: unknown): boolean {
  return told(one) === told(other);
}

function told(value: unknown): string {
  return JSON.stringify(value);
}
