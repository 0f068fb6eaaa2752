import type { Opened, Subject } from './subject.ts';

/** The memory engine, or a store derived from it. All its handles are one: there is no other process. */
export function memorySubject<S extends AsyncDisposable>(make: (nowMs: () => number) => S): Subject<S> {
  return {
    engine: 'memory',
    isShared: true,
    isDurable: false,
    async open(nowMs): Promise<Opened<S>> {
      const store = make(nowMs);
      return { store, openAnother: async () => store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
    },
  };
}
