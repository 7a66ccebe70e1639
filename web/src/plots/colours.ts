/** The theme's colours and the axes of all plots. */

import type uPlot from 'uplot';

export interface ChartColours {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly accent: string;
  readonly ok: string;
  readonly fail: string;
  readonly late: string;
  readonly run: string;
  readonly wait: string;
  readonly font: string;
}

export function chartColours(element: Element): ChartColours {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: token('--text'),
    muted: token('--muted'),
    line: token('--line'),
    accent: token('--accent'),
    ok: token('--ok-fill'),
    fail: token('--fail-fill'),
    late: token('--late-fill'),
    run: token('--run-fill'),
    wait: token('--wait-fill'),
    font: style.fontFamily,
  };
}

/** An unobtrusive axis with formatted values. */
export const axis = (
  colours: ChartColours,
  values: (value: number) => string,
  more: Partial<uPlot.Axis> = {},
): uPlot.Axis => ({
  stroke: colours.muted,
  font: `11px ${colours.font}`,
  grid: { stroke: colours.line, width: 1 },
  ticks: { show: false },
  values: (_, splits) => splits.map((value) => (value === null ? '' : values(value))),
  ...more,
});

/** Adds transparency to a colour of any form. */
export const faded = (colour: string, percent: number): string =>
  `color-mix(in srgb, ${colour} ${percent}%, transparent)`;
