import type { FuzzTarget } from '../fuzz-target.ts';
import { chunkedBody, postForm } from './bodies.ts';
import { operations } from './operations.ts';
import { requestTarget } from './request-target.ts';
import { storedRows } from './rows.ts';
import { signatures } from './signatures.ts';
import { bucketPolicy, configuration, edn, postPolicy } from './texts.ts';
import { xml } from './xml.ts';

/** Every parser that is fuzzed within the process. */
export function allTargets(): readonly FuzzTarget[] {
  return [
    requestTarget(),
    signatures(),
    chunkedBody(),
    postForm(),
    postPolicy(),
    xml(),
    operations(),
    bucketPolicy(),
    configuration(),
    edn(),
    storedRows(),
  ];
}
