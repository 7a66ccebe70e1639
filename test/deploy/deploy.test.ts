/** Alert rules and the dashboard name only metrics and labels that exist. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { metrics } from '../../src/api/metrics/table.ts';
import { type Dashboard, dashboardFile, expressionsOf, rulesFile } from '../support/deployed.ts';
import { hasPrometheus } from '../support/prometheus.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

const rules = (parse(readFileSync(rulesFile, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

const dashboard = JSON.parse(readFileSync(dashboardFile, 'utf8')) as Dashboard;

/** Names of series, as they appear in expressions, with their labels. */
const series = new Map(
  metrics.flatMap(({ name, kind, labels }) =>
    kind === 'histogram'
      ? [
          [`${name}_bucket`, [...labels, 'le']] as const,
          [`${name}_sum`, labels] as const,
          [`${name}_count`, labels] as const,
        ]
      : [[name, labels] as const],
  ),
);

/** What an expression names and does not exist. */
function unknown(expression: string): string[] {
  const used = [...expression.matchAll(/\b((?:carillon|process)_\w+)(?:\{([^}]*)\})?/g)];
  expect(used.length, expression).toBeGreaterThan(0);
  const labels = new Set(['job', 'instance', ...used.flatMap(([, name = '']) => series.get(name) ?? [])]);
  const named = [
    ...used.flatMap(([, , matchers = '']) => [...matchers.matchAll(/(\w+)(?:=~?|!=|!~)/g)]),
    ...[...expression.matchAll(/\b(?:by|without|on|ignoring) \(([^)]*)\)/g)].flatMap(([, list = '']) => [
      ...list.matchAll(/(\w+)/g),
    ]),
  ].map((match) => match[1] ?? '');
  return [
    ...used.flatMap(([, name = '']) => (series.has(name) ? [] : [name])),
    ...named.filter((label) => !labels.has(label)),
  ];
}

describe('alert rules', () => {
  test('name only metrics and labels that exist', () => {
    expect(rules.filter(({ expr }) => !expr.startsWith('up{')).flatMap(({ expr }) => unknown(expr))).toEqual(
      [],
    );
  });

  test('are for eleven things to be woken for, each with what it means and what to do', () => {
    expect(rules.filter(({ labels }) => labels.severity === 'page')).toHaveLength(11);
    for (const { alert, annotations } of rules) {
      expect(Object.keys(annotations), alert).toEqual(['summary', 'description', 'action']);
      for (const text of Object.values(annotations)) expect(text, alert).toMatch(/[.}]$/);
    }
  });

  test.skipIf(!hasPrometheus)('fire when they should, and only then', () => {
    const tests = resolve(import.meta.dirname, 'carillon.rules.test.yml');
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', tests], { encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
    for (const { alert } of rules)
      expect(readFileSync(tests, 'utf8'), alert).toContain(`alertname="${alert}"`);
  });
});

test('the page lists every alert', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `(Carillon\w+)` \|/gm)].map((match) => match[1]);
  expect(listed).toEqual(rules.map(({ alert }) => alert));
});

describe('the dashboard', () => {
  test('names only metrics and labels that exist', () => {
    const expressions = expressionsOf(dashboard);
    expect(expressions.length).toBeGreaterThan(20);
    expect(expressions.flatMap(unknown)).toEqual([]);
  });

  test('shows every metric of jobs, engines, pools and messages', () => {
    const shown = expressionsOf(dashboard).join('\n');
    const missing = metrics.filter(
      ({ name }) =>
        /^carillon_(?:(?:job|engine|pool|notification)_|notifications$)/.test(name) && !shown.includes(name),
    );
    expect(missing.map(({ name }) => name)).toEqual([
      // Alerts have the first. The others are there for queries.
      'carillon_engine_reachable',
      'carillon_job_last_failure_timestamp_seconds',
      'carillon_job_last_end_timestamp_seconds',
    ]);
  });

  test('has panels that do not overlap, each with an id of its own', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});
