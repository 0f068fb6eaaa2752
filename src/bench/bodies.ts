import { randomBytes } from 'node:crypto';
import { sha256 } from '../s3-client/sign-request.ts';

export interface Body {
  readonly bytes: Uint8Array;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** How many bodies of one size there are; a higher index has the body of a lower one. */
const BODIES_MAX = 4096;

/**
 * Random bodies, one for each size and index, so that an object given out for another is noticed. Those of one size
 * lie over each other, one byte apart, and cost the memory of one.
 */
export class Bodies {
  readonly #pools = new Map<number, Uint8Array>();
  readonly #made = new Map<string, Body>();

  of(sizeBytes: number, index: number): Body {
    const offset = index % BODIES_MAX;
    const name = `${sizeBytes}/${offset}`;
    const before = this.#made.get(name);
    if (before !== undefined) return before;
    const pool = this.#pools.get(sizeBytes) ?? randomBytes(sizeBytes + BODIES_MAX);
    this.#pools.set(sizeBytes, pool);
    const bytes = pool.subarray(offset, offset + sizeBytes);
    const body = { bytes, sha256: sha256(bytes) };
    this.#made.set(name, body);
    return body;
  }
}
