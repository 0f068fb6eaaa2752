/** Whether something holds; `depends`: that hangs on an object that has not been looked at. */
export type Match = 'yes' | 'no' | 'depends';

export function matchIf(holds: boolean): Match {
  return holds ? 'yes' : 'no';
}

export function not(match: Match): Match {
  if (match === 'depends') return 'depends';
  return match === 'yes' ? 'no' : 'yes';
}

/** Whether `test` holds for one item at least. */
export function someOf<Item>(items: Iterable<Item>, test: (item: Item) => Match): Match {
  let found: Match = 'no';
  for (const item of items) {
    const match = test(item);
    if (match === 'yes') return 'yes';
    if (match === 'depends') found = 'depends';
  }
  return found;
}

/** Whether `test` holds for every item. */
export function everyOf<Item>(items: Iterable<Item>, test: (item: Item) => Match): Match {
  return not(someOf(items, (item) => not(test(item))));
}
