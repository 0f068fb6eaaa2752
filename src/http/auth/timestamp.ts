const ISO_BASIC = /^\d{8}T\d{6}Z$/;
const HTTP_DATE = /^[A-Za-z]{3}, \d{1,2} [A-Za-z]{3} \d{4} \d{2}:\d{2}:\d{2} (?:GMT|UTC|Z|[+-]\d{4})$/;

/** A moment as signatures write it, such as `20130524T000000Z`. */
export interface Timestamp {
  readonly text: string;
  readonly atMs: number;
}

/** What was read last: the requests of one second are signed with one time. */
let latest: Timestamp = { text: '19700101T000000Z', atMs: 0 };

/** Reads `YYYYMMDDTHHMMSSZ`; `undefined` for anything else, and for times that no clock shows. */
export function parseIsoBasic(text: string): Timestamp | undefined {
  if (text === latest.text) return latest;
  if (!ISO_BASIC.test(text)) return undefined;
  const day = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 8)}`;
  const atMs = Date.parse(`${day}T${text.slice(9, 11)}:${text.slice(11, 13)}:${text.slice(13, 15)}Z`);
  if (Number.isNaN(atMs)) return undefined;
  latest = { text, atMs };
  return latest;
}

/** Reads the date of a `Date` header, which is that of HTTP or e-mail, or ISO 8601 basic; none is before 1970. */
export function parseDateHeader(text: string): Timestamp | undefined {
  if (!HTTP_DATE.test(text)) return parseIsoBasic(text);
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) || atMs < 0 ? undefined : { text: isoBasic(atMs), atMs };
}

function isoBasic(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}
