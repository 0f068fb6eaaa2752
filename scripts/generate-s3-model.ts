/**
 * Writes `src/operations/s3-model.ts` from the model inside the installed AWS SDK: every operation S3 has, and
 * every parameter of each. Run it after updating `@aws-sdk/client-s3`; a test fails while the two differ.
 */
import { writeFile } from 'node:fs/promises';
import { renderModel } from './s3-model.ts';

await writeFile(new URL('../src/operations/s3-model.ts', import.meta.url), renderModel());
