/** The bytes of one write, of which `Content` makes them. */
export interface WrittenContent {
  readonly id: number;
  readonly sizeBytes: number;
}

/** A version as it must be found; without content a delete marker. */
export interface KnownVersion {
  readonly versionId: string;
  readonly content: WrittenContent | undefined;
}

/** What an acknowledged request changes. Each key has one writer, whose requests come one after the other. */
export type Effect =
  | { readonly kind: 'create-bucket' | 'enable-versioning'; readonly bucket: string }
  /** With `uploadId`, by completing that upload. Version `null` takes the place of the one that was there. */
  | (KeyEffect & KnownVersion & { readonly kind: 'put'; readonly uploadId: string | undefined })
  | (KeyEffect & { readonly kind: 'remove'; readonly versionId: string })
  | (UploadEffect & { readonly kind: 'open-upload' | 'abort-upload' })
  | (UploadEffect & { readonly kind: 'put-part'; readonly partNumber: number; readonly etag: string });

interface KeyEffect {
  readonly bucket: string;
  readonly key: string;
}

interface UploadEffect extends KeyEffect {
  readonly uploadId: string;
}

/** An effect with the times at which it was asked for and acknowledged, in nanoseconds of the monotonic clock. */
export interface HistoryStep {
  readonly effect: Effect;
  readonly beganAt: bigint;
  readonly endedAt: bigint;
}

/** What must be found after a power cut. Of what was in doubt there are two possibilities. */
export interface Expectation {
  readonly buckets: readonly string[];
  readonly versionedBuckets: readonly string[];
  readonly keys: readonly KeyExpectation[];
  readonly uploads: readonly UploadExpectation[];
}

export interface KeyExpectation extends KeyEffect {
  /** The versions, oldest first, without and with what was in doubt. */
  readonly possible: readonly (readonly KnownVersion[])[];
}

export interface UploadExpectation extends UploadEffect {
  /** `maybe`: a request that ends it was under way. */
  readonly isOpen: 'yes' | 'maybe' | 'no';
  readonly parts: readonly PartExpectation[];
}

export interface PartExpectation {
  readonly partNumber: number;
  /** More than one where another was under way; `undefined`: none. */
  readonly etags: readonly (string | undefined)[];
}

/** What must be found where every effect counts that was acknowledged by `moment`, and may count that had begun. */
export function expectationAt(history: readonly HistoryStep[], moment: bigint): Expectation {
  const expected = new ExpectationBuilder();
  const begun = history.filter(({ beganAt }) => beganAt <= moment);
  for (const { effect, endedAt } of begun) if (endedAt <= moment) expected.settle(effect);
  for (const { effect, endedAt } of begun) if (endedAt > moment) expected.doubt(effect);
  return expected.finish();
}

class ExpectationBuilder {
  readonly #buckets: string[] = [];
  readonly #versionedBuckets: string[] = [];
  readonly #keys = new Map<string, KeyEffect & { possible: (readonly KnownVersion[])[] }>();
  readonly #uploads = new Map<string, UploadEffect & UploadState>();

  finish(): Expectation {
    const uploads = [...this.#uploads.values()].map(({ parts, ...upload }) => ({
      ...upload,
      parts: Array.from(parts, ([partNumber, etags]) => ({ partNumber, etags })),
    }));
    const keys = [...this.#keys.values()];
    return { buckets: this.#buckets, versionedBuckets: this.#versionedBuckets, keys, uploads };
  }

  settle(effect: Effect): void {
    switch (effect.kind) {
      case 'create-bucket':
        this.#buckets.push(effect.bucket);
        return;
      case 'enable-versioning':
        this.#versionedBuckets.push(effect.bucket);
        return;
      case 'put':
      case 'remove': {
        const key = this.#key(effect);
        key.possible = [versionsAfter(key.possible[0] ?? [], effect)];
        if (effect.kind === 'put' && effect.uploadId !== undefined) {
          this.#upload({ ...effect, uploadId: effect.uploadId }).isOpen = 'no';
        }
        return;
      }
      case 'open-upload':
        this.#upload(effect).isOpen = 'yes';
        return;
      case 'abort-upload':
        this.#upload(effect).isOpen = 'no';
        return;
      case 'put-part':
        this.#upload(effect).parts.set(effect.partNumber, [effect.etag]);
        return;
    }
  }

  doubt(effect: Effect): void {
    switch (effect.kind) {
      // Nothing is asked for below them before they are acknowledged.
      case 'create-bucket':
      case 'enable-versioning':
      case 'open-upload':
        return;
      case 'put':
      case 'remove': {
        const key = this.#key(effect);
        key.possible.push(versionsAfter(key.possible[0] ?? [], effect));
        if (effect.kind === 'put' && effect.uploadId !== undefined) {
          this.#upload({ ...effect, uploadId: effect.uploadId }).isOpen = 'maybe';
        }
        return;
      }
      case 'abort-upload':
        this.#upload(effect).isOpen = 'maybe';
        return;
      case 'put-part': {
        const { parts } = this.#upload(effect);
        parts.set(effect.partNumber, [...(parts.get(effect.partNumber) ?? [undefined]), effect.etag]);
        return;
      }
    }
  }

  #key({ bucket, key }: KeyEffect) {
    const name = `${bucket}/${key}`;
    const known = this.#keys.get(name) ?? { bucket, key, possible: [[]] };
    this.#keys.set(name, known);
    return known;
  }

  #upload({ bucket, key, uploadId }: UploadEffect) {
    const known = this.#uploads.get(uploadId) ?? { bucket, key, uploadId, isOpen: 'yes', parts: new Map() };
    this.#uploads.set(uploadId, known);
    return known;
  }
}

interface UploadState {
  isOpen: UploadExpectation['isOpen'];
  readonly parts: Map<number, readonly (string | undefined)[]>;
}

function versionsAfter(
  versions: readonly KnownVersion[],
  effect: Effect & { readonly kind: 'put' | 'remove' },
): readonly KnownVersion[] {
  const kept = versions.filter(({ versionId }) => versionId !== effect.versionId);
  if (effect.kind === 'remove') return kept;
  return [...kept, { versionId: effect.versionId, content: effect.content }];
}
