/** Random choices of one case of a fuzzer: the same ones for the same seed and number, so that a case replays alone. */
export class Dice {
  #state: number;

  constructor(seed: number, caseNumber: number) {
    this.#state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(caseNumber | 0, 0x85ebca6b)) >>> 0;
  }

  /** A number from 0 up to, and without, 1. Source: https://github.com/bryc/code/blob/master/jshash/PRNGs.md#mulberry32 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 0 up to, and without, `count`. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new TypeError('There is nothing to pick from.');
    return item;
  }

  /** What `make` gives, `countMax` times at most. */
  some<Item>(countMax: number, make: () => Item): Item[] {
    return Array.from({ length: this.below(countMax + 1) }, make);
  }

  /** Bytes, one character each. */
  bytes(countMax: number): string {
    return this.some(countMax, () => String.fromCharCode(this.below(256))).join('');
  }
}
