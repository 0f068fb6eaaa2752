/**
 * Brings Node 20 what the program uses of Node 22, where it lacks it; the first import of every entry. The build
 * compiles newer syntax down, and its `lib` in `tsconfig.build.json` names all that may be used: this and no more.
 */
if (typeof Promise.withResolvers !== 'function') {
  Promise.withResolvers = <T>(): PromiseWithResolvers<T> => {
    let resolve: PromiseWithResolvers<T>['resolve'] = () => undefined;
    let reject: PromiseWithResolvers<T>['reject'] = () => undefined;
    const promise = new Promise<T>((resolved, rejected) => {
      resolve = resolved;
      reject = rejected;
    });
    return { promise, resolve, reject };
  };
}

if (typeof Map.groupBy !== 'function') {
  Map.groupBy = <K, T>(items: Iterable<T>, keyOf: (item: T, index: number) => K): Map<K, T[]> => {
    const groups = new Map<K, T[]>();
    let index = 0;
    for (const item of items) {
      const key = keyOf(item, index++);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
    return groups;
  };
}
