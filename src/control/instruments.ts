/** The counter, gauge or histogram of each row of the metrics table, made in one registry. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { bucketEdges, type MetricKey, type MetricKind, metricTable } from './metrics.ts';

/** The keys of the rows of one kind. */
export type KeyOf<K extends MetricKind> = {
  [Key in MetricKey]: (typeof metricTable)[Key]['kind'] extends K ? Key : never;
}[MetricKey];

export interface Instruments {
  counter(key: KeyOf<'counter'>): Counter;
  gauge(key: KeyOf<'gauge'>): Gauge;
  histogram(key: KeyOf<'histogram'>): Histogram;
}

/** Each row must be made once. */
export function instrumentsIn(registry: Registry): Instruments {
  const made = (key: MetricKey) => {
    const { name, help, labels } = metricTable[key];
    return { name, help, labelNames: Object.keys(labels), registers: [registry] };
  };
  return {
    counter: (key) => new Counter(made(key)),
    gauge: (key) => new Gauge(made(key)),
    histogram: (key) => new Histogram({ ...made(key), buckets: [...bucketEdges] }),
  };
}
