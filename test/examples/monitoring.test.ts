/** What is in examples/monitoring fits the metrics that there are, and the real Prometheus takes it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type MetricRow, metricTable } from '../../src/control/metrics.ts';
import { absent } from '../programs.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';

const folder = join(import.meta.dirname, '../../examples/monitoring');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const rows: readonly MetricRow[] = Object.values(metricTable);

/** What Prometheus itself puts on every series, or makes. */
const fromPrometheus = { names: ['up'], labels: ['instance', 'job', 'le'] };

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const dashboard: { panels: Panel[]; templating: { list: { name: string; query: unknown }[] } } = JSON.parse(
  read('grafana.json'),
);
const targets = dashboard.panels.flatMap(({ targets = [] }) => targets);
const rules = read('alerts.yml');

/** Every name in an expression that begins like a metric's. */
function metricsIn(text: string): string[] {
  return [...new Set(text.match(/(?<![\w:])(firstbyte|nodejs|process)_\w+/g))];
}

function rowOf(name: string): MetricRow | undefined {
  return rows.find((row) => {
    const suffixes = row.kind === 'histogram' ? ['_bucket', '_count', '_sum'] : [''];
    return suffixes.some((suffix) => name === row.name + suffix);
  });
}

/** What is wrong with the metrics, labels and labels' values of an expression. */
function wrongIn(expression: string): string[] {
  const names = metricsIn(expression);
  const wrong = names.filter((name) => rowOf(name) === undefined).map((name) => `no metric ${name}`);
  for (const [, name = '', selector = ''] of expression.matchAll(/(\w+)\{([^}]*)\}/g)) {
    const labels = { ...rowOf(name)?.labels };
    for (const [, label = '', operator, value = ''] of selector.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)) {
      const values = labels[label];
      if (values === undefined && !fromPrometheus.labels.includes(label)) wrong.push(`${name} has no ${label}`);
      const closed = typeof values === 'object' && operator !== '=~';
      if (closed && !values.includes(value)) wrong.push(`${name} never has ${label}="${value}"`);
    }
  }
  const known = new Set([...fromPrometheus.labels, ...names.flatMap((name) => Object.keys(rowOf(name)?.labels ?? {}))]);
  for (const [, list = ''] of expression.matchAll(/\b(?:by|on|group_left) \(([^)]*)\)/g)) {
    for (const label of list.split(/, */)) if (!known.has(label)) wrong.push(`nothing has ${label}`);
  }
  return wrong;
}

describe('the dashboard', () => {
  test('has a row for the first byte, own errors, origins, the cache, the process, the store and clients', () => {
    const titles = dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title);
    assert.deepEqual(titles, ['First byte', 'Own errors', 'Origins', 'Cache', 'Process', 'Store', 'Clients']);
  });

  test('names only metrics, labels and values that exist', () => {
    assert.ok(targets.length > 30);
    assert.deepEqual(
      targets.flatMap(({ expr }) => wrongIn(expr)),
      [],
    );
    const variables = dashboard.templating.list.map(({ query }) => JSON.stringify(query)).join(' ');
    assert.deepEqual(wrongIn(variables), []);
  });

  test('names each line by labels that the line has', () => {
    for (const { expr, legendFormat } of targets) {
      const kept = [...expr.matchAll(/\b(?:by|group_left) \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */));
      const has = expr.includes('sum')
        ? kept
        : [...kept, ...metricsIn(expr).flatMap((name) => Object.keys(rowOf(name)?.labels ?? {})), 'instance'];
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        assert.ok(has.includes(label), `${label}: ${expr}`);
    }
  });

  test('shows every metric', () => {
    const shown = new Set(targets.flatMap(({ expr }) => metricsIn(expr)).map((name) => rowOf(name)?.name));
    const elsewhere = ['firstbyte_fills_done_total', 'firstbyte_breaker_changes_total'];
    assert.deepEqual(
      rows.map(({ name }) => name).filter((name) => !shown.has(name) && !elsewhere.includes(name)),
      [],
    );
  });
});

describe('the alerts', () => {
  test('name only metrics, labels and values that exist', () => {
    const code = rules.replaceAll(/^ *#.*$|(?:summary|description): .*$/gm, '');
    assert.ok(metricsIn(code).length >= 10);
    assert.deepEqual(wrongIn(code), []);
  });

  test('are each tested to fire and not to fire', () => {
    const tested = read('alerts.test.yml');
    const names = [...rules.matchAll(/alert: (\w+)/g)].map(([, name = '']) => name);
    assert.ok(names.length >= 10);
    for (const name of names) {
      assert.match(tested, new RegExp(`alertname: ${name}, eval_time: \\w+, exp_alerts: \\[\\]`), `${name} is quiet`);
      assert.match(tested, new RegExp(`alertname: ${name}\\n.*\\n +exp_alerts:\\n +- exp_labels`), `${name} fires`);
    }
  });
});

test('the guide explains every alert, and its queries name what exists', () => {
  const guide = readFileSync(join(folder, '../../docs/guide/monitoring.md'), 'utf8');
  for (const [, name = ''] of rules.matchAll(/alert: (\w+)/g)) assert.ok(guide.includes(`| \`${name}\` |`), name);
  const queries = [...guide.matchAll(/^\| [^|]* \| `(.*)` \|$/gm)].map(([, query = '']) => query);
  assert.ok(queries.length >= 6);
  assert.deepEqual(queries.flatMap(wrongIn), []);
});

test('a metric, a label or a value that does not exist is noticed', () => {
  assert.deepEqual(wrongIn('rate(firstbyte_nothing_total[5m])'), ['no metric firstbyte_nothing_total']);
  assert.deepEqual(wrongIn('firstbyte_waiters{colour="red"}'), ['firstbyte_waiters has no colour']);
  assert.deepEqual(wrongIn('firstbyte_cursors{state="idle"}'), ['firstbyte_cursors never has state="idle"']);
  assert.deepEqual(wrongIn('sum by (colour) (firstbyte_waiters)'), ['nothing has colour']);
});

describe('the real Prometheus', { skip: absent('promtool', 'promtool', '--version') }, () => {
  const promtool = (args: readonly string[], input?: string) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8', input });
    return { status, said: `${stdout}${stderr}` };
  };

  for (const args of [
    ['check', 'rules', 'alerts.yml'],
    ['check', 'config', 'prometheus.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ]) {
    test(`is content with promtool ${args.join(' ')}`, () => {
      const { status, said } = promtool(args);
      assert.equal(status, 0, said);
      assert.match(said, /SUCCESS/);
    });
  }

  test('finds nothing to complain of in a real scrape', async () => {
    const rig = await virtualRig({ films: film(1_000_000) });
    rig.origin.next({ status: 503 });
    await rig.clock.advanceUntil(rig.get('/films/film.mp4').done());
    const scrape = rig.player({ film: film(0) }).get('/-/metrics', { film: null });
    await rig.clock.advanceUntil(scrape.done());
    assert.match(scrape.text, /^firstbyte_landed_bytes_total\{origin="films"\} 1000000$/m);
    assert.match(scrape.text, /^firstbyte_retries_total\{.*\} 1$/m);
    const { status, said } = promtool(['check', 'metrics'], scrape.text);
    assert.deepEqual([status, said], [0, '']);
    await rig.close();
  });
});
