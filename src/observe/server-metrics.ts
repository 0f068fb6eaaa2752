import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';

/** What one process has counted, as it tells another; it can be cloned. */
export type MetricsSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/**
 * The metrics of a server of several processes, as one. Sums never fall: what a process had counted when it was last
 * asked stays in them after its end.
 */
export class ServerMetrics {
  readonly contentType: string;
  readonly #own = new Registry();
  readonly #workers: Gauge;
  readonly #deaths: Counter;
  readonly #latest = new Map<number, MetricsSnapshot>();
  #departed: MetricsSnapshot = [];

  constructor() {
    const registers = [this.#own];
    this.contentType = this.#own.contentType;
    this.#workers = new Gauge({ name: 'pithos_workers', help: 'Processes that answer requests.', registers });
    this.#deaths = new Counter({
      name: 'pithos_worker_deaths_total',
      help: 'Processes that ended without being told to.',
      registers,
    });
  }

  setWorkers(count: number): void {
    this.#workers.set(count);
  }

  /** The process `id` has ended; `unasked` where nobody told it to. */
  async workerEnded(id: number, { unasked }: { unasked: boolean }): Promise<void> {
    if (unasked) this.#deaths.inc();
    const last = this.#latest.get(id);
    this.#latest.delete(id);
    if (last === undefined) return;
    const counted = last.filter(({ type }) => String(type) !== 'gauge');
    this.#departed = await AggregatorRegistry.aggregate([this.#departed, counted]).getMetricsAsJSON();
  }

  /** The sum over all processes, in the text format of Prometheus. `snapshots` are by the id of their process. */
  async render(snapshots: ReadonlyMap<number, MetricsSnapshot>): Promise<string> {
    for (const [id, snapshot] of snapshots) this.#latest.set(id, snapshot);
    const own = await this.#own.getMetricsAsJSON();
    return await AggregatorRegistry.aggregate([own, this.#departed, ...this.#latest.values()]).metrics();
  }
}
