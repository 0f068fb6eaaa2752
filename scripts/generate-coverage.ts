/**
 * Writes `docs/s3-coverage.md` from the model of S3 and the table of operations. Run it after adding an operation or
 * a parameter; a test fails while the two differ.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { renderCoverage } from './s3-coverage.ts';

const file = new URL('../docs/s3-coverage.md', import.meta.url);
await mkdir(new URL('./', file), { recursive: true });
await writeFile(file, renderCoverage());
