/**
 * The metrics of one daemon, and their text for Prometheus. They have their own registry, so that two daemons in one
 * process do not mix.
 */
import { Registry } from 'prom-client';
import type { EventBus } from '../events.ts';
import { countEvents } from './counters.ts';
import { createGauges, type Readings } from './gauges.ts';
import { instrumentsIn } from './instruments.ts';

export interface Metrics {
  /** Has the metrics of the table and nothing else. Its gauges are as old as the last scrape. */
  readonly registry: Registry;
  /** All metrics as they are now, in the format that the `Accept` field prefers. */
  scrape(accept?: string): Promise<{ readonly contentType: string; readonly text: string }>;
  /** Stops counting; the counts stay. */
  stop(): void;
}

/** Counts the events of the bus from now on. */
export function createMetrics(events: EventBus, readings: Omit<Readings, 'unread'>): Metrics {
  const registry = new Registry();
  const instruments = instrumentsIn(registry);
  const counting = countEvents(instruments, events);
  const look = createGauges(instruments, { ...readings, unread: counting.unread });
  return {
    registry,
    async scrape(accept = '') {
      look();
      const text = await registry.metrics();
      if (!prefersOpenMetrics(accept)) return { contentType: Registry.PROMETHEUS_CONTENT_TYPE, text };
      return { contentType: Registry.OPENMETRICS_CONTENT_TYPE, text: openMetricsText(text) };
    },
    stop: counting.stop,
  };
}

/** Whether `Accept` prefers OpenMetrics, or likes it as much as plain text. */
function prefersOpenMetrics(accept: string): boolean {
  const weights = new Map(
    accept.split(',').map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
      const q = parameters.find((parameter) => parameter.startsWith('q='));
      return [type, q === undefined ? 1 : Number(q.slice(2))] as const;
    }),
  );
  const open = weights.get('application/openmetrics-text') ?? 0;
  return open > 0 && open >= (weights.get('text/plain') ?? 0);
}

/** Converts Prometheus text to OpenMetrics 1.0: names of counter families lose `_total`, and an end mark follows. */
function openMetricsText(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '');
  const counters = new Set(lines.flatMap((line) => /^# TYPE (\S+)_total counter$/.exec(line)?.[1] ?? []));
  const told = lines.map((line) => {
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === undefined) return line;
    const family = name.replace(/_total$/, '');
    const words = word === 'HELP' ? rest.replaceAll('"', '\\"') : rest;
    return `# ${word} ${counters.has(family) ? family : name} ${words}`;
  });
  return `${told.join('\n')}\n# EOF\n`;
}
