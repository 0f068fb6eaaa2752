import { Counts, type MetricsSnapshot, type Sum } from './counts.ts';

/** Metrics as they are served. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/**
 * The metrics of a server of several processes, as one. Sums never fall: what a process had counted when it was last
 * asked stays in them after its end.
 */
export class ServerMetrics {
  readonly #own = new Counts();
  readonly #workers: Sum<never>;
  readonly #deaths: Sum<never>;
  readonly #latest = new Map<number, MetricsSnapshot>();
  #workersCount = 0;
  /** What the processes had counted that have ended. */
  #departed: Promise<MetricsSnapshot> = Promise.resolve([]);

  constructor() {
    this.#workers = this.#own.gauge('pithos_workers', 'Processes that answer requests.');
    this.#deaths = this.#own.counter('pithos_worker_deaths_total', 'Processes that ended without being told to.');
  }

  setWorkers(count: number): void {
    this.#workers.add(count - this.#workersCount, {});
    this.#workersCount = count;
  }

  /** The process `id` has ended; `unasked` where nobody told it to. */
  workerEnded(id: number, { unasked }: { unasked: boolean }): void {
    if (unasked) this.#deaths.add(1, {});
    const last = this.#latest.get(id);
    this.#latest.delete(id);
    if (last === undefined) return;
    const counted = last.filter(({ type }) => type !== 'gauge');
    this.#departed = this.#departed.then(async (departed) => {
      const { AggregatorRegistry } = await import('prom-client');
      return parseSnapshot(await AggregatorRegistry.aggregate([departed, counted]).getMetricsAsJSON());
    });
  }

  /** The sum over all processes, in the text format of Prometheus. `snapshots` are by the id of their process. */
  async render(snapshots: ReadonlyMap<number, MetricsSnapshot>): Promise<MetricsText> {
    for (const [id, snapshot] of snapshots) this.#latest.set(id, snapshot);
    // Together, so that a process that ends meanwhile is in one of them and not in both.
    const latest = [this.#own.snapshot(), ...this.#latest.values()];
    const departed = this.#departed;
    // Loaded when somebody asks for the first time: it takes some 50 ms, and most of the memory that metrics take.
    const { AggregatorRegistry } = await import('prom-client');
    const sum = AggregatorRegistry.aggregate([await departed, ...latest]);
    return { contentType: sum.contentType, text: await sum.metrics() };
  }
}

/** What `prom-client` added up is what it was given, though its types say otherwise. */
function parseSnapshot(json: object): MetricsSnapshot {
  return json as MetricsSnapshot;
}
