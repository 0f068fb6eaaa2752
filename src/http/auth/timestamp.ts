const ISO_BASIC = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
const HTTP_DATE = /^[A-Za-z]{3}, \d{2} [A-Za-z]{3} \d{4} \d{2}:\d{2}:\d{2} (?:GMT|UTC|\+0000)$/;

/** A moment as signatures write it, such as `20130524T000000Z`. */
export interface Timestamp {
  readonly text: string;
  readonly atMs: number;
}

/** Reads `YYYYMMDDTHHMMSSZ`; `undefined` for anything else, and for days that no calendar has. */
export function parseIsoBasic(text: string): Timestamp | undefined {
  const digits = ISO_BASIC.exec(text);
  if (digits === null) return undefined;
  const [, year, month, day, hour, minute, second] = digits.map(Number);
  const atMs = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second);
  return isoBasic(atMs) === text ? { text, atMs } : undefined;
}

/** Reads the date of a `Date` header, which is that of HTTP or ISO 8601 basic. */
export function parseDateHeader(text: string): Timestamp | undefined {
  if (!HTTP_DATE.test(text)) return parseIsoBasic(text);
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : { text: isoBasic(atMs), atMs };
}

function isoBasic(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}
