/** Prometheus' text format. */

import type { Buckets } from '../../scheduler/stats/tally.ts';
import type { Metric, Sample } from './scrape.ts';

/** The lines of a metric. Without samples there are none. */
export function* linesOf({ name, kind, help, labels }: Metric, samples: Iterable<Sample>): Generator<string> {
  let headed = false;
  for (const [values, value] of samples) {
    if (!headed) yield `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
    headed = true;
    const pairs = labels.map((label, place) => `${label}="${escaped(values[place] ?? '')}"`).join(',');
    yield typeof value === 'number'
      ? `${name}${pairs === '' ? '' : `{${pairs}}`} ${value}\n`
      : histogram(name, pairs, value);
  }
}

function histogram(name: string, pairs: string, { bounds, counts, sum }: Buckets): string {
  const before = pairs === '' ? '' : `${pairs},`;
  const set = pairs === '' ? '' : `{${pairs}}`;
  let text = '';
  for (const [place, count] of counts.entries())
    text += `${name}_bucket{${before}le="${bounds[place] ?? '+Inf'}"} ${count}\n`;
  return `${text}${name}_sum${set} ${sum}\n${name}_count${set} ${counts.at(-1) ?? 0}\n`;
}

const escaped = (value: string): string =>
  /[\\"\n]/.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : value;
