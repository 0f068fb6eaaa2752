import type { Content } from './content.ts';

/**
 * What one client knows of a key in a bucket without versions, which nobody else writes: what it may hold. A write
 * without an answer leaves two possibilities, and the next answer may settle which it was.
 */
export class PlainKey {
  readonly key: string;
  #possible: ReadonlySet<Content | undefined> = new Set([undefined]);

  constructor(key: string) {
    this.key = key;
  }

  /** `undefined`: no object. */
  get possible(): ReadonlySet<Content | undefined> {
    return this.#possible;
  }

  /** What it holds, where that is certain and an object. */
  get object(): Content | undefined {
    const [only] = this.#possible;
    return this.#possible.size === 1 ? only : undefined;
  }

  /** It was acknowledged, or seen, to hold `content`. */
  settle(content: Content | undefined): void {
    this.#possible = new Set([content]);
  }

  /** A write of `content` was not answered. */
  doubt(content: Content | undefined): void {
    this.#possible = new Set([...this.#possible, content]);
  }
}

/** One write to a key with versions. */
export interface VersionWrite {
  /** `undefined`: a delete marker. */
  readonly content: Content | undefined;
  /** `undefined`: the write was not answered. */
  readonly versionId: string | undefined;
  /** Whether the version was deleted; `maybe`: that was not answered. */
  removed: 'no' | 'maybe' | 'yes';
}

/** A version as a listing or a GET shows it. */
export interface SeenVersion {
  readonly versionId: string;
  /** The number of its content; `undefined` for a delete marker. */
  readonly contentId: number | undefined;
}

/** What one client knows of a key in a bucket with versions, which nobody else writes. */
export class VersionedKey {
  readonly key: string;
  /** In the order they were asked for. */
  readonly writes: VersionWrite[] = [];

  constructor(key: string) {
    this.key = key;
  }

  /** The versions that must be there. */
  get kept(): readonly (VersionWrite & { readonly versionId: string })[] {
    return this.writes.filter(isKept);
  }

  /** Drops what is known to be gone, so that a long load costs no memory; a version that comes back fits no write. */
  forgetRemoved(): void {
    this.writes.splice(0, Number.POSITIVE_INFINITY, ...this.writes.filter(({ removed }) => removed !== 'yes'));
  }

  /** What of `versions`, oldest first, contradicts the writes: one sentence each. */
  findContradictions(versions: readonly SeenVersion[]): string[] {
    const found: string[] = [];
    const known = new Set(this.writes.map(({ versionId }) => versionId));
    let at = 0;
    for (const { content, versionId, removed } of this.writes) {
      const seen = versions[at];
      const isHere =
        seen !== undefined &&
        seen.contentId === content?.id &&
        (versionId === undefined ? !known.has(seen.versionId) : seen.versionId === versionId);
      if (isHere) at++;
      const name = `version ${versionId} of ${this.key}`;
      if (isHere && removed === 'yes') found.push(`${name} was deleted, and is there.`);
      if (!isHere && versionId !== undefined && removed === 'no')
        found.push(`${name} was acknowledged, and is not there.`);
    }
    for (const { versionId } of versions.slice(at))
      found.push(`version ${versionId} of ${this.key} fits no write in its place.`);
    return found;
  }
}

function isKept(write: VersionWrite): write is VersionWrite & { readonly versionId: string } {
  return write.versionId !== undefined && write.removed === 'no';
}

/** An upload that a client began and left. */
export interface LeftUpload {
  readonly key: string;
  readonly uploadId: string;
  /** The whole object; parts are ranges of it. */
  readonly content: Content;
  /** ETags of the parts that were acknowledged, by part number less one. */
  readonly etags: readonly string[];
}
