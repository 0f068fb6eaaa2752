import type { Dice } from './dice.ts';

/** Pieces that have broken parsers of all kinds. */
const NASTY = [
  ...[
    '\0',
    '\r',
    '\n',
    '\r\n',
    '\t',
    ' ',
    '%',
    '%00',
    '%zz',
    '%ff',
    '%2f',
    '..',
    '/',
    '\\',
    '"',
    "'",
    '<',
    '>',
    '&',
    ';',
  ],
  ...['=', ',', ':', '#', '?', '*', '+', '-', '-1', '0', '1e309', '9007199254740993', '18446744073709551616', 'NaN'],
  ...[
    'null',
    'undefined',
    '__proto__',
    'constructor',
    'toString',
    '{}',
    '[]',
    '[[',
    '}}',
    '&amp;',
    '&#0;',
    ']]>',
    '<!--',
  ],
  ...['\u00ff', '\u0080', '\u00c0\u00af', '$'.concat('{'), '$', '`', '|', '!', '@', '~', '\u007f'],
];
const REPEATED_MAX = 400;

/** `text` with up to three small changes; nothing of it is sure to stay. */
export function mutate(dice: Dice, text: string): string {
  let changed = text;
  for (let count = 1 + dice.below(3); count > 0; count--) changed = mutateOnce(dice, changed);
  return changed;
}

/** A word as it is, or changed, now and then one that was never meant. */
export function perhaps(dice: Dice, words: readonly string[], share = 0.15): string {
  if (dice.chance(share / 3)) return dice.pick(NASTY);
  const word = dice.pick(words);
  return dice.chance(share) ? mutate(dice, word) : word;
}

function mutateOnce(dice: Dice, text: string): string {
  const at = dice.below(text.length + 1);
  const end = at + dice.below(Math.min(16, text.length - at + 1));
  switch (dice.below(6)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, at) + dice.pick(NASTY) + text.slice(end);
    case 2:
      return text.slice(0, at) + dice.pick(NASTY) + text.slice(at);
    case 3:
      return text.slice(0, end) + text.slice(at, end).repeat(1 + dice.below(8)) + text.slice(end);
    case 4:
      return text.slice(0, at) + flipped(dice, text.slice(at, at + 1)) + text.slice(at + 1);
    default:
      return dice.chance(0.1)
        ? text.slice(0, at) + dice.pick(NASTY).repeat(dice.below(REPEATED_MAX)) + text.slice(at)
        : text.slice(0, at);
  }
}

/** A character with one of its lower eight bits turned over. */
function flipped(dice: Dice, character: string): string {
  return character === '' ? '' : String.fromCharCode(character.charCodeAt(0) ^ (1 << dice.below(8)));
}
