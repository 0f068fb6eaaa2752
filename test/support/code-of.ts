import { S3Error } from '../../src/domain/s3-error.ts';

/** The code of the S3Error that `action` throws, and the text of any other; `undefined` where it throws nothing. */
export function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return error instanceof S3Error ? error.code : String(error);
  }
  return undefined;
}
