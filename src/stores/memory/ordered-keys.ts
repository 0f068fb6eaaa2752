import { compareUtf8 } from '../../domain/utf8-order.ts';
import type { ListPosition } from '../metastore.ts';

/**
 * A set of texts in the order of their UTF-8 bytes, in one sorted array.
 *
 * A search costs the logarithm of its size; adding or deleting moves what lies behind, which is fast up to some
 * hundred thousand.
 */
export class OrderedKeys<Key extends string> {
  readonly #keys: Key[] = [];

  add(key: Key): void {
    const index = this.#firstIndex((other) => compareUtf8(other, key) >= 0);
    if (this.#keys[index] !== key) this.#keys.splice(index, 0, key);
  }

  delete(key: Key): void {
    const index = this.#firstIndex((other) => compareUtf8(other, key) >= 0);
    if (this.#keys[index] === key) this.#keys.splice(index, 1);
  }

  /** The keys that start with `prefix`, in order, from `from` on; `after-version` begins at its key. */
  *range(prefix: string, from: ListPosition | undefined): Iterable<Key> {
    const isReached = (key: Key): boolean =>
      compareUtf8(key, prefix) >= 0 && (from === undefined || isAtOrAfter(key, from));
    for (let index = this.#firstIndex(isReached); index < this.#keys.length; index++) {
      const key = this.#keys[index];
      if (key === undefined || !key.startsWith(prefix)) return;
      yield key;
    }
  }

  /** The first index whose key `isReached`; every key after one that is must be too. */
  #firstIndex(isReached: (key: Key) => boolean): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const key = this.#keys[middle];
      if (key !== undefined && isReached(key)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function isAtOrAfter(key: string, position: ListPosition): boolean {
  switch (position.kind) {
    case 'at-key':
    case 'after-version':
      return compareUtf8(key, position.key) >= 0;
    case 'after-key':
      return compareUtf8(key, position.key) > 0;
    case 'after-prefix':
      return compareUtf8(key, position.prefix) >= 0 && !key.startsWith(position.prefix);
  }
}
