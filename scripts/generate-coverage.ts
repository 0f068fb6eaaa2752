/**
 * Writes `docs/s3-coverage.md` from the model of S3 and the table of operations, and from that and the tests with
 * clients the generated parts of `docs/compatibility.md`. Run it after adding an operation, a
 * parameter or a client; a test fails while the two differ.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { renderCompatibility } from './compatibility.ts';
import { renderCoverage } from './s3-coverage.ts';

const file = new URL('../docs/s3-coverage.md', import.meta.url);
await mkdir(new URL('./', file), { recursive: true });
await writeFile(file, renderCoverage());

const compatibility = new URL('../docs/compatibility.md', import.meta.url);
await writeFile(compatibility, renderCompatibility(await readFile(compatibility, 'utf8')));
