import type { WriteCondition } from '../../domain/condition.ts';
import type { StoredObject } from '../../domain/object-version.ts';
import type { UploadAddress, UploadResult } from '../../domain/upload.ts';
import type { CallOptions } from '../store.ts';
import type { CompleteOutcome, Completion } from '../uploads.ts';
import { type Context, newOpId, type OpId } from './context.ts';
import { type Completed, type KeyState, manifestIdOf, pushVersion, type SharedBody, withRefused } from './key-head.ts';
import type { KeyProtocol } from './key-protocol.ts';
import type { KeyAddress, KeyReader } from './key-reader.ts';
import type { KeyPlan } from './key-step.ts';
import type { HeldPart, Manifests } from './manifests.ts';
import { holderName, type References } from './references.ts';
import type { ReadUpload, UploadCells } from './upload-cells.ts';
import type { UploadListing } from './upload-listing.ts';
import type { Completing, PartRecord, UploadHead } from './upload-rows.ts';
import { type ObjectRecord, type VersionIdentity, versionIdOf } from './version-rows.ts';
import { failedCondition, storedObject, type Versions } from './versions.ts';
import type { WorkLog } from './work-log.ts';

/** Transactions that run at one time, to let parts go. */
const RELEASES_MAX = 32;

export interface CompletionParts {
  readonly context: Context;
  readonly cells: UploadCells;
  readonly manifests: Manifests;
  readonly references: References;
  readonly protocol: KeyProtocol;
  readonly reader: KeyReader;
  readonly versions: Versions;
  readonly listing: UploadListing;
  readonly work: WorkLog;
}

/** What became of one attempt to complete. */
type Fate =
  | { readonly kind: 'applied'; readonly version: StoredObject; readonly identity: VersionIdentity }
  | { readonly kind: 'refused'; readonly outcome: CompleteOutcome }
  /** Somebody else has ended the attempt. */
  | { readonly kind: 'over' };

/**
 * Completes uploads. An attempt is written into the upload first, with all that it needs; then it makes a version of
 * the key, or is refused there; then the upload says what became of it. Whoever meets an attempt on its way carries it
 * on: what the key says of it is the truth, and it is said once.
 */
export class Completions {
  readonly #parts: CompletionParts;

  constructor(parts: CompletionParts) {
    this.#parts = parts;
  }

  async complete(
    at: UploadAddress,
    completion: Completion,
    condition: WriteCondition,
    options: CallOptions,
  ): Promise<CompleteOutcome> {
    const { cells, reader, work } = this.#parts;
    const op = newOpId();
    for (;;) {
      const read = await this.settled(at, options);
      if (read?.head.state.kind !== 'open') return { kind: 'no-such-upload' };
      const parts = await cells.allParts(at, { ...options, isSerial: true });
      const changed = firstChanged(parts, completion);
      if (changed !== undefined) {
        // Parts go with their upload: only of one that is still as it was do they tell anything.
        const after = await cells.read(at, { ...options, isSerial: true });
        if (after?.sequence !== read.sequence) continue;
        return { kind: 'parts-changed', partNumber: changed };
      }
      const failure = failedCondition(condition, (await reader.head(at, options)).head.current);
      if (failure !== undefined) return failure;
      const { parts: listed, ...rest } = completion;
      const partNumbers = listed.map(({ partNumber }) => partNumber);
      const completing: Completing = { ...rest, op, partNumbers, condition };
      const logged = await work.begin({ kind: 'upload', ...at, drops: [] }, options);
      const head: UploadHead = { ...read.head, state: { kind: 'completing', ...completing } };
      const outcome = await cells.replace(at, read, head, [], options);
      const isMine = outcome === 'applied' || (outcome === 'overtaken' && (await this.#isOn(at, op, options)));
      if (!isMine) {
        await work.end(logged, options);
        continue;
      }
      const result = await this.#carryOn(at, head, completing, options);
      await work.end(logged, options);
      return result;
    }
  }

  /** The upload, after what others left unfinished of it has been carried on. */
  async settled(at: UploadAddress, options: CallOptions): Promise<ReadUpload | undefined> {
    for (;;) {
      const read = await this.#parts.cells.read(at, { ...options, isSerial: true });
      if (read?.head.state.kind !== 'completing') return read;
      const outcome = await this.#carryOn(at, read.head, read.head.state, options);
      // In a closed bucket it stays as it is, until the bucket is swept.
      if (outcome.kind === 'bucket-closed') return undefined;
    }
  }

  /** Brings the records of uploads up to what their key says of them. */
  async finish(at: KeyAddress, completions: readonly Completed[], options: CallOptions): Promise<void> {
    for (const completed of completions) {
      const address = { ...at, uploadId: completed.uploadId };
      const read = await this.#parts.cells.read(address, { ...options, isSerial: true });
      const state = read?.head.state;
      if (read === undefined || state?.kind !== 'completing' || state.op !== completed.op) continue;
      await this.#close(address, read.head, state, completed, options);
    }
  }

  async #carryOn(
    at: UploadAddress,
    head: UploadHead,
    completing: Completing,
    options: CallOptions,
  ): Promise<CompleteOutcome> {
    const fate = await this.#decide(at, head, completing, options);
    if (fate.kind === 'over') return { kind: 'no-such-upload' };
    if (fate.kind === 'refused') {
      if (fate.outcome.kind !== 'bucket-closed') await this.#reopen(at, completing, options);
      return fate.outcome;
    }
    await this.#close(at, head, completing, fate.identity, options);
    return { kind: 'completed', version: fate.version };
  }

  async #decide(at: UploadAddress, head: UploadHead, completing: Completing, options: CallOptions): Promise<Fate> {
    const { cells, manifests, protocol, versions, reader } = this.#parts;
    const { op, slot } = completing;
    const known = traceOf(await reader.head(at, { ...options, isSerial: true }), op);
    const parts = layOut(await cells.allParts(at, { ...options, isSerial: true }), completing);
    const manifestId = manifestIdOf(op, at.uploadId);
    const takes: SharedBody = { kind: 'manifest', manifestId, partsCount: parts.length };
    const record = objectOf(head, completing, takes, sizeOf(parts));
    const applied = ({ order }: { order: number }): Fate => {
      const identified = { ...record, order };
      return { kind: 'applied', version: storedObject(identified, at), identity: identified };
    };
    if (known !== undefined) return applied(known);
    await manifests.write(manifestId, parts, options);
    const plan = async (state: KeyState, { sequence }: { sequence: number }): Promise<KeyPlan<Fate>> => {
      const trace = traceOf(state, op);
      if (trace !== undefined) return { kind: 'answer', outcome: applied(trace) };
      if (!(await this.#isOn(at, op, options))) return { kind: 'answer', outcome: { kind: 'over' } };
      const failure = failedCondition(completing.condition, state.head.current);
      if (state.head.refused.includes(op)) {
        const outcome = failure ?? ({ kind: 'condition-failed', reason: 'failed' } as const);
        return { kind: 'answer', outcome: { kind: 'refused', outcome } };
      }
      if (failure !== undefined) {
        // Said at the key, so that nobody who carries the attempt on finds later that the condition holds.
        const change = { head: withRefused(state.head, op), older: [], drops: [] };
        return { kind: 'change', change, outcome: { kind: 'refused', outcome: failure }, isUnlisted: true };
      }
      const version = { ...record, order: sequence };
      const older = await versions.olderNull(at, state, slot === 'null', options);
      const change = pushVersion(state.head, version, older);
      const completed = { uploadId: at.uploadId, op, order: sequence, isNull: slot === 'null' };
      const next = { ...change.head, completions: [...change.head.completions, completed] };
      return { kind: 'change', change: { ...change, head: next }, outcome: applied(version) };
    };
    const fate = await protocol.step<Fate>({ bucketId: at.bucketId, key: at.key }, { op, takes, plan }, options);
    if (fate.kind === 'bucket-closed') return { kind: 'refused', outcome: fate };
    return fate.kind === 'blob-gone' ? { kind: 'over' } : fate;
  }

  /** Writes what became of the attempt into the upload, after the parts that it leaves out have been let go. */
  async #close(
    at: UploadAddress,
    head: UploadHead,
    completing: Completing,
    identity: Pick<VersionIdentity, 'op' | 'order' | 'isNull'>,
    options: CallOptions,
  ): Promise<void> {
    const { context, cells, listing } = this.#parts;
    const parts = await cells.allParts(at, { ...options, isSerial: true });
    const listed = new Set(completing.partNumbers);
    await this.releaseParts(
      parts.filter(({ partNumber }) => !listed.has(partNumber)),
      options,
    );
    const { etag, checksum } = completing;
    const sizeBytes = sizeOf(layOut(parts, completing));
    const result: UploadResult = { versionId: versionIdOf(identity), etag, checksum, sizeBytes };
    const completedAtMs = context.clock.nowMs();
    await listing.completed(at, completedAtMs, options);
    await this.#leave(at, completing.op, { ...head, state: { kind: 'completed', completedAtMs, ...result } }, options);
  }

  /** The attempt was refused: the upload is open again, and its manifest never was. */
  async #reopen(at: UploadAddress, { op }: Completing, options: CallOptions): Promise<void> {
    const { cells, manifests, references } = this.#parts;
    const manifestId = manifestIdOf(op, at.uploadId);
    await references.discard({ kind: 'manifest', id: manifestId }, holderName({ kind: 'version', op }), options);
    await manifests.delete(manifestId, options);
    const read = await cells.read(at, { ...options, isSerial: true });
    if (read !== undefined) await this.#leave(at, op, { ...read.head, state: { kind: 'open' } }, options);
  }

  /** Replaces the state, while it is still this attempt. */
  async #leave(at: UploadAddress, op: OpId, head: UploadHead, options: CallOptions): Promise<void> {
    for (;;) {
      const read = await this.#parts.cells.read(at, { ...options, isSerial: true });
      if (read?.head.state.kind !== 'completing' || read.head.state.op !== op) return;
      if ((await this.#parts.cells.replace(at, read, head, [], options)) === 'applied') return;
    }
  }

  async releaseParts(parts: readonly PartRecord[], options: CallOptions): Promise<void> {
    const { references } = this.#parts;
    for (let start = 0; start < parts.length; start += RELEASES_MAX) {
      const some = parts.slice(start, start + RELEASES_MAX);
      const release = async ({ body, op }: PartRecord): Promise<void> => {
        if (body === undefined) return;
        await references.release({ kind: 'blob', blob: body }, holderName({ kind: 'part', op }), options);
      };
      await Promise.all(some.map(release));
    }
  }

  async #isOn(at: UploadAddress, op: OpId, options: CallOptions): Promise<boolean> {
    const read = await this.#parts.cells.read(at, { ...options, isSerial: true });
    return read?.head.state.kind === 'completing' && read.head.state.op === op;
  }
}

/** Where the key says that the attempt was applied. */
function traceOf({ head }: KeyState, op: OpId): { readonly order: number } | undefined {
  if (head.current?.op === op) return head.current;
  return head.completions.find((completed) => completed.op === op);
}

function firstChanged(parts: readonly PartRecord[], completion: Completion): number | undefined {
  const etags = new Map(parts.map(({ partNumber, etag }) => [partNumber, etag]));
  return completion.parts.find(({ partNumber, etag }) => etags.get(partNumber) !== etag)?.partNumber;
}

function layOut(parts: readonly PartRecord[], { partNumbers }: Completing): readonly HeldPart[] {
  const byNumber = new Map(parts.map((part) => [part.partNumber, part]));
  const laidOut: HeldPart[] = [];
  let offsetBytes = 0;
  for (const partNumber of partNumbers) {
    const part = byNumber.get(partNumber);
    if (part === undefined) continue;
    const { sizeBytes, checksum, body, op } = part;
    laidOut.push({ partNumber, offsetBytes, sizeBytes, checksum, body, holder: holderName({ kind: 'part', op }) });
    offsetBytes += sizeBytes;
  }
  return laidOut;
}

function objectOf(
  { draft }: UploadHead,
  { op, etag, checksum, slot, lastModifiedMs }: Completing,
  body: SharedBody,
  sizeBytes: number,
): Omit<ObjectRecord, 'order'> {
  const { headers, userMetadata, storageClass, owner, attributes } = draft;
  const description = { headers, userMetadata, storageClass, owner, attributes };
  const isNull = slot === 'null';
  return {
    ...description,
    kind: 'object',
    op,
    isNull,
    etag,
    checksum,
    lastModifiedMs,
    sizeBytes,
    body,
    attributesRevision: 1,
  };
}

function sizeOf(parts: readonly { readonly sizeBytes: number }[]): number {
  return parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
