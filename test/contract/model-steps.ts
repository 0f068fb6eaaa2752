import type { WriteCondition } from '../../src/domain/condition.ts';
import type { DeleteDraft, VersionSlot } from '../../src/stores/metastore.ts';

/**
 * One step of a model test, as plain data, so that a failing sequence can be shrunk and printed. `pick` names one of
 * the versions, uploads or blobs that the sequence has made, gone or not, counted back from the newest.
 */
export type Step =
  | {
      readonly kind: 'put';
      readonly at: Place;
      readonly slot: VersionSlot;
      readonly body: BodyChoice;
      readonly condition: ConditionChoice;
    }
  | {
      readonly kind: 'delete';
      readonly at: Place;
      readonly mode: DeleteDraft['mode'];
      readonly condition: ConditionChoice;
    }
  | {
      readonly kind: 'delete-version';
      readonly pick: number;
      readonly condition: ConditionChoice;
      readonly bypassGovernance: boolean;
    }
  | { readonly kind: 'update-attributes'; readonly pick: number; readonly lock: Lock; readonly isStale: boolean }
  | { readonly kind: 'get'; readonly pick: number }
  | { readonly kind: 'get-current'; readonly at: Place }
  | {
      readonly kind: 'list';
      readonly bucket: number;
      readonly what: 'objects' | 'versions';
      readonly prefix: string;
      readonly from: PositionChoice | undefined;
      readonly limit: number;
    }
  | { readonly kind: 'close-bucket'; readonly bucket: number }
  | { readonly kind: 'create-upload'; readonly at: Place }
  | {
      readonly kind: 'put-part';
      readonly pick: number;
      readonly partNumber: number;
      readonly blob: 'new' | 'shared' | 'none';
    }
  | {
      readonly kind: 'complete';
      readonly pick: number;
      readonly slot: VersionSlot;
      readonly parts: 'all' | 'even' | 'wrong';
      readonly condition: ConditionChoice;
    }
  | { readonly kind: 'abort'; readonly pick: number }
  | {
      readonly kind: 'list-uploads';
      readonly bucket: number;
      readonly prefix: string;
      readonly afterPick: number | undefined;
      readonly limit: number;
    }
  | { readonly kind: 'read-manifest'; readonly pick: number; readonly offsetBytes: number; readonly limit: number }
  | { readonly kind: 'intend' }
  | { readonly kind: 'abandon'; readonly pick: number }
  | { readonly kind: 'expire'; readonly ageMs: number }
  | { readonly kind: 'reclaim'; readonly ageMs: number }
  | { readonly kind: 'pin'; readonly id: string; readonly agoMs: number; readonly forMs: number }
  | { readonly kind: 'clear-pin'; readonly id: string }
  | { readonly kind: 'sweep'; readonly ageMs: number }
  | { readonly kind: 'wait'; readonly ms: number };

/** A key in one of a few buckets. */
export interface Place {
  readonly bucket: number;
  readonly key: string;
}

export type BodyChoice =
  | { readonly kind: 'inline'; readonly text: string }
  | { readonly kind: 'new-blob' }
  /** One that may be intended, referenced, reclaimable or gone. */
  | { readonly kind: 'any-blob'; readonly pick: number }
  | { readonly kind: 'copy'; readonly pick: number };

export type ConditionChoice = keyof typeof CONDITIONS | 'if-match-pick';

export const CONDITIONS = {
  none: {},
  'if-any': { ifMatch: '*' },
  'if-absent': { ifNoneMatch: '*' },
} as const satisfies Readonly<Record<string, WriteCondition>>;

export type Lock = 'none' | 'hold' | 'governance' | 'compliance';

export type PositionChoice =
  | { readonly kind: 'at-key' | 'after-key' | 'after-prefix'; readonly text: string }
  | { readonly kind: 'after-version'; readonly pick: number };
