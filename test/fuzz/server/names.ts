/** The bucket that no case may change. */
export const KEPT_BUCKET = 'kept';
/** The bucket that the cases are about. */
export const FUZZED_BUCKET = 'bucket';
/** What under which key of `KEPT_BUCKET`: no body is part of another, so that an answer tells its request. */
export const KEPT: ReadonlyMap<string, string> = new Map(
  Array.from('abcdefgh', (letter) => [`key-${letter}`, letter.repeat(200 + letter.charCodeAt(0))]),
);
/** The host that all requests name; the server has it as a name of its own. */
export const SERVER_HOST = 's3.test';
