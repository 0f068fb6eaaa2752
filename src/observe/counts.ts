type Labels = Readonly<Record<string, string | number>>;

/** One name with its numbers, as `prom-client` has it. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly values: readonly { readonly metricName?: string; readonly labels: Labels; readonly value: number }[];
  readonly aggregator: 'sum';
}

/** What one process has counted, as it tells another; it can be cloned. */
export type MetricsSnapshot = readonly Family[];

/** What stands between the values of labels in the key of a series: no name that is counted has it. */
const BETWEEN = '\u0000';

/** The numbers of one process under their names: a few additions for a request, and a snapshot when somebody asks. */
export class Counts {
  readonly #families: (() => Family)[] = [];

  /** Sums that begin at 0 and never fall; one for each set of labels, or one where there are none. */
  counter<Label extends string>(name: string, help: string, labels: readonly Label[] = []): Sum<Label> {
    return this.#sum('counter', { name, help, labels });
  }

  /** A number that may fall as well. */
  gauge(name: string, help: string): Sum<never> {
    return this.#sum('gauge', { name, help, labels: [] });
  }

  /** How many of the values are at most each of `bounds`, which rise; for each set of labels. */
  histogram<Label extends string>(
    name: string,
    help: string,
    { labels, bounds }: { readonly labels: readonly Label[]; readonly bounds: readonly number[] },
  ): Histogram<Label> {
    const histogram = new Histogram(labels, bounds);
    this.#families.push(() => familyOf('histogram', { name, help, values: [...histogram.values(name)] }));
    return histogram;
  }

  /** All of them, as they are now. */
  snapshot(): MetricsSnapshot {
    return this.#families.map((family) => family());
  }

  #sum<Label extends string>(
    type: Family['type'],
    { name, help, labels }: { readonly name: string; readonly help: string; readonly labels: readonly Label[] },
  ): Sum<Label> {
    const sum = new Sum(labels);
    this.#families.push(() => familyOf(type, { name, help, values: [...sum.values()] }));
    return sum;
  }
}

/** One number for each set of labels. */
export class Sum<Label extends string> {
  readonly #labels: readonly Label[];
  readonly #series = new Map<string, { readonly labels: Labels; value: number }>();

  constructor(labels: readonly Label[]) {
    this.#labels = labels;
    if (labels.length === 0) this.#series.set('', { labels: {}, value: 0 });
  }

  add(amount: number, labels: Readonly<Record<Label, string | number>>): void {
    const key = keyOf(this.#labels, labels);
    const series = this.#series.get(key);
    if (series === undefined) this.#series.set(key, { labels: { ...labels }, value: amount });
    else series.value += amount;
  }

  *values(): Generator<{ readonly labels: Labels; readonly value: number }> {
    for (const { labels, value } of this.#series.values()) yield { labels, value };
  }
}

interface HistogramSeries {
  readonly labels: Labels;
  /** Values in each bucket, those of the buckets below it not among them; the last has what is above all bounds. */
  readonly counts: number[];
  sum: number;
}

export class Histogram<Label extends string> {
  readonly #labels: readonly Label[];
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, HistogramSeries>();

  constructor(labels: readonly Label[], bounds: readonly number[]) {
    this.#labels = labels;
    this.#bounds = bounds;
  }

  observe(value: number, labels: Readonly<Record<Label, string | number>>): void {
    const key = keyOf(this.#labels, labels);
    const series = this.#series.get(key) ?? this.#begin(key, { ...labels });
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const index = found === -1 ? this.#bounds.length : found;
    series.counts[index] = (series.counts[index] ?? 0) + 1;
    series.sum += value;
  }

  *values(name: string) {
    for (const { labels, counts, sum } of this.#series.values()) {
      let count = 0;
      for (const [index, each] of counts.entries()) {
        count += each;
        const le = this.#bounds[index] ?? '+Inf';
        yield { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
      }
      yield { metricName: `${name}_sum`, labels, value: sum };
      yield { metricName: `${name}_count`, labels, value: count };
    }
  }

  #begin(key: string, labels: Labels): HistogramSeries {
    const series = { labels, counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 };
    this.#series.set(key, series);
    return series;
  }
}

function keyOf<Label extends string>(
  names: readonly Label[],
  labels: Readonly<Record<Label, string | number>>,
): string {
  let key = '';
  for (const name of names) key += `${labels[name]}${BETWEEN}`;
  return key;
}

function familyOf(type: Family['type'], { name, help, values }: Pick<Family, 'name' | 'help' | 'values'>): Family {
  return { name, help, type, values, aggregator: 'sum' };
}
