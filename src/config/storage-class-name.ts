import { parseStorageClass } from '../domain/names.ts';

/** `standard-ia` in the file is `STANDARD_IA` in S3. */
export function parseStorageClassName(text: string) {
  return parseStorageClass(text.toUpperCase().replaceAll('-', '_'));
}
