import type { FuzzTarget } from '../fuzz-target.ts';
import { chunkedBody, postForm } from './bodies.ts';
import { httpFraming } from './http-framing.ts';
import { operations } from './operations.ts';
import { requestTarget } from './request-target.ts';
import { storedRows } from './rows.ts';
import { server } from './server.ts';
import { signatures } from './signatures.ts';
import { bucketPolicy, configuration, edn, postPolicy } from './texts.ts';
import { xml } from './xml.ts';

/** Everything that is fuzzed: parsers within the process, and a server in one of its own. */
export function allTargets(): readonly FuzzTarget[] {
  return [
    httpFraming(),
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
    server(),
  ];
}
