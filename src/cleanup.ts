/** What must be undone at the end: the last thing first, and once, however often it is asked for. */
export class Cleanup {
  readonly #steps: (() => PromiseLike<void>)[] = [];
  #running: Promise<void> | undefined;

  add(step: () => PromiseLike<void>): void {
    this.#steps.push(step);
  }

  /** Holds `resource` until the end. */
  use<Resource extends AsyncDisposable>(resource: Resource): Resource {
    this.add(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    for (const step of this.#steps.toReversed()) await step();
  }
}
