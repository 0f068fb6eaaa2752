import { BucketStates } from './bucket-states.ts';
import { ClosedBuckets } from './closed-buckets.ts';
import { Completions } from './completion.ts';
import type { Context } from './context.ts';
import { KeyProtocol } from './key-protocol.ts';
import { KeyReader } from './key-reader.ts';
import { ListingReader } from './listing-reader.ts';
import { ListingWriter } from './listing-writer.ts';
import { Manifests } from './manifests.ts';
import { Pins } from './pins.ts';
import { RangeChanges } from './range-change.ts';
import { RangeKeeper, type RangeLimits } from './range-keeper.ts';
import { Reclaim } from './reclaim.ts';
import { References } from './references.ts';
import { RetiredRanges } from './retired-ranges.ts';
import { Scans } from './scans.ts';
import { TimeLog } from './time-log.ts';
import { UnfinishedWork } from './unfinished-work.ts';
import { UploadCells } from './upload-cells.ts';
import { UploadListing } from './upload-listing.ts';
import { Uploads } from './uploads.ts';
import { Versions } from './versions.ts';
import { WorkLog } from './work-log.ts';

/** What a metastore is made of, as far as its calls go to it. */
export interface MetastoreParts {
  readonly versions: Versions;
  readonly manifests: Manifests;
  readonly listing: ListingReader;
  readonly closed: ClosedBuckets;
  readonly uploads: Uploads;
  readonly reclaim: Reclaim;
  readonly pins: Pins;
  readonly scans: Scans;
}

/** Makes the parts and ties them together. */
export function openParts(
  context: Context,
  { limits, markAgeMsMax }: { readonly limits: RangeLimits; readonly markAgeMsMax: number },
): MetastoreParts {
  const states = new BucketStates(context);
  const work = new WorkLog(context);
  const keeper = new RangeKeeper(context, { states, changes: new RangeChanges(context, { states, work }), limits });
  const writer = new ListingWriter(context, (...written) => keeper.note(...written));
  const reader = new KeyReader(context);
  const manifests = new Manifests(context);
  const queue = new TimeLog(context, 'reclaim');
  const references = new References(context, queue, manifests);
  const isFresh = (...[id]: Parameters<Reclaim['isFresh']>): boolean => reclaim.isFresh(id);
  const protocol = new KeyProtocol({
    context,
    reader,
    states,
    listing: writer,
    references,
    work,
    isFresh,
    finishCompletions: (...completed) => completions.finish(...completed),
  });
  const versions = new Versions({ protocol, reader });
  const listing = new ListingReader({
    context,
    states,
    reader,
    protocol,
    onDead: (...found) => keeper.note(...found),
    markAgeMsMax,
  });
  const uploadListing = new UploadListing(context, { states, writer });
  const cells = new UploadCells(context);
  const shared = { context, cells, references, work };
  const completions = new Completions({ ...shared, manifests, protocol, reader, versions, listing: uploadListing });
  const uploads = new Uploads({ ...shared, states, listing: uploadListing, completions, isFresh });
  const closed = new ClosedBuckets({ context, states, listing, protocol, uploads, uploadListing, work });
  const retired = new RetiredRanges({ context, states, writer, listing, protocol });
  const unfinished = new UnfinishedWork({ protocol, reader, references, uploads, work, closed, retired });
  const pins = new Pins(context);
  const intents = new TimeLog(context, 'intent');
  const reclaim = new Reclaim({ context, references, manifests, intents, queue, pins, unfinished });
  const scans = new Scans({ context, reader, states, references });
  return { versions, manifests, listing, closed, uploads, reclaim, pins, scans };
}
