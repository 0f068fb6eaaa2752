/** What a pattern asks for, one after the other: a code point, or one of the wildcards. */
export type Glob = readonly number[];

/** `*`: any number of characters. */
export const ANY = -1;
/** `?`: one character. */
export const ONE = -2;
/** What is beyond takes two units of UTF-16. */
const LAST_OF_ONE_UNIT = 0xffff;

/** A text this long is taken apart once for all the patterns of a policy that are held against it one after the other. */
const LONG_UNITS_MIN = 256;
let latest: { readonly text: string; readonly points: readonly number[] } = { text: '', points: [] };
/** Most tokens, stars not counted, whose places are the bits of a small integer. */
const SMALL_TOKENS_MAX = 29;
/** Largest product of the lengths of pattern and text that is matched step by step. */
const STEPS_MAX = 64 * 1024;

/** Whether `glob` matches the whole of `text`. Its time is bounded by the product of both lengths, whatever they hold. */
export function matchGlob(glob: Glob, text: string): boolean {
  if (text.length >= LONG_UNITS_MIN && latest.text !== text) latest = { text, points: codePoints(text) };
  return matchCodePoints(glob, latest.text === text ? latest.points : codePoints(text));
}

export function matchCodePoints(glob: Glob, points: readonly number[]): boolean {
  if (glob.length > points.length && asksForMore(glob, points.length)) return false;
  return glob.length * points.length > STEPS_MAX ? matchAtOnce(glob, points) : matchStepwise(glob, points);
}

/** Whether `glob` matches nothing as short as that. */
function asksForMore(glob: Glob, length: number): boolean {
  let asked = 0;
  for (const token of glob) {
    if (token !== ANY && ++asked > length) return true;
  }
  return false;
}

/** A star that did not lead on is never tried again once a later one was reached: one comparison a pair at most. */
export function matchStepwise(glob: Glob, points: readonly number[]): boolean {
  let at = 0;
  let position = 0;
  let star = -1;
  let resume = 0;
  while (position < points.length) {
    const token = glob[at];
    if (token === ANY) {
      star = at++;
      resume = position;
    } else if (token === ONE || (token !== undefined && token === points[position])) {
      at++;
      position++;
    } else if (star >= 0) {
      at = star + 1;
      position = ++resume;
    } else {
      return false;
    }
  }
  while (glob[at] === ANY) at++;
  return at === glob.length;
}

/** The same for long ones. */
export function matchAtOnce(glob: Glob, points: readonly number[]): boolean {
  if (!asksForMore(glob, SMALL_TOKENS_MAX)) return matchSmall(glob, points);
  const { states, end } = follow(glob, points);
  return (states & end) !== 0n;
}

/** As `follow` does it, in the bits of a small integer: a policy may have a thousand short patterns for one long text. */
function matchSmall(glob: Glob, points: readonly number[]): boolean {
  let loops = 0;
  let ones = 0;
  const places = new Map<number, number>();
  let end = 1;
  let latestPoint = ANY;
  let place = 0;
  for (const token of glob) {
    if (token === ANY) {
      loops |= end;
      continue;
    }
    if (token === ONE) ones |= end;
    else places.set(token, (places.get(token) ?? 0) | end);
    end <<= 1;
  }
  let states = 1;
  for (const point of points) {
    if (point !== latestPoint) {
      latestPoint = point;
      place = (places.get(point) ?? 0) | ones;
    }
    states = ((states & place) << 1) | (states & loops);
    if (states === 0) return false;
  }
  return (states & end) !== 0;
}

/** Whether `glob` matches any text that begins with `prefix`. */
export function canBeginWith(glob: Glob, prefix: string): boolean {
  return follow(glob, codePoints(prefix)).states !== 0n;
}

export function codePoints(text: string): number[] {
  const points: number[] = [];
  for (let index = 0; index < text.length; ) {
    const point = text.codePointAt(index) ?? 0;
    points.push(point);
    index += point > LAST_OF_ONE_UNIT ? 2 : 1;
  }
  return points;
}

/**
 * All ways to have matched `points` so far, as the bits of one number, so that a client cannot keep a server busy with a
 * policy of 20 KiB and a header of 8: bit n stands for n tokens, stars not counted, and `end` for all of them.
 */
function follow(glob: Glob, points: readonly number[]): { readonly states: bigint; readonly end: bigint } {
  let loops = 0n;
  let ones = 0n;
  const places = new Map<number, bigint>();
  let end = 1n;
  for (const token of glob) {
    if (token === ANY) {
      loops |= end;
      continue;
    }
    if (token === ONE) ones |= end;
    else places.set(token, (places.get(token) ?? 0n) | end);
    end <<= 1n;
  }
  let states = 1n;
  for (const point of points) {
    states = ((states & ((places.get(point) ?? 0n) | ones)) << 1n) | (states & loops);
    if (states === 0n) break;
  }
  return { states, end };
}
