/**
 * How many chunks all bodies of a store may hold in memory beside the one that each holds anyway: a thousand slow
 * clients must not read a thousand times as far ahead as one fast client may.
 */
export class ChunkBudget {
  #left: number;

  constructor(chunksMax: number) {
    this.#left = chunksMax;
  }

  /** Takes room for one chunk, where there is some. */
  tryTake(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }

  giveBack(): void {
    this.#left++;
  }
}
