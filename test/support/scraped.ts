/** Prometheus' text as values: each series with its name and labels, and the kind of its metric. */

export interface Series {
  readonly kind: string;
  readonly value: number;
}

export function seriesIn(text: string): Map<string, Series> {
  const series = new Map<string, Series>();
  let kind = '';
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue;
    const type = /^# TYPE \w+ (\w+)$/.exec(line);
    if (type !== null) {
      kind = type[1] ?? '';
      continue;
    }
    const sample = /^(\w+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)+\})?) (-?[\d.e+-]+)$/.exec(line);
    if (sample === null) throw new Error(`not a sample: ${line}`);
    const [, name = '', value] = sample;
    if (series.has(name)) throw new Error(`${name} appears twice`);
    series.set(name, { kind, value: Number(value) });
  }
  return series;
}

/** Counters and histograms of `before` that are lower in `after`, or gone. */
export function wentBack(before: Map<string, Series>, after: Map<string, Series>): string[] {
  return [...before].flatMap(([name, { kind, value }]) => {
    if (kind === 'gauge') return [];
    const now = after.get(name)?.value;
    return now === undefined || now < value ? [`${name}: ${value}, then ${now}`] : [];
  });
}
