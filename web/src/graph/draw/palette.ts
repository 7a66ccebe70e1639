/**
 * The theme's colours for a canvas, which does not support CSS custom properties. Read again when the theme
 * changes.
 */

import { type Standing, standings, type Tone, tones } from '../state.ts';

export interface Palette {
  readonly background: string;
  readonly surface: string;
  readonly line: string;
  readonly edge: string;
  readonly text: string;
  readonly muted: string;
  readonly accent: string;
  readonly font: string;
  readonly fill: Record<Tone, string>;
  readonly soft: Record<Tone, string>;
  readonly ink: Record<Tone, string>;
  /** Colour of a card when zoomed out. */
  readonly block: Record<Standing, string>;
}

export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(name).trim();
  const ofTones = (suffix: string): Record<Tone, string> => ({
    fail: token(`--fail${suffix}`),
    late: token(`--late${suffix}`),
    run: token(`--run${suffix}`),
    wait: token(`--wait${suffix}`),
    ok: token(`--ok${suffix}`),
  });
  const fill = ofTones('-fill');
  return {
    background: token('--bg'),
    surface: token('--surface'),
    line: token('--line-strong'),
    edge: token('--line-strong'),
    text: token('--text'),
    muted: token('--muted'),
    accent: token('--accent'),
    font: style.fontFamily,
    fill,
    soft: ofTones('-soft'),
    ink: ofTones(''),
    block: Object.fromEntries(
      standings.map((each) => [each, blockColour(fill[tones[each]], token('--bg'), strength[each])]),
    ) as Record<Standing, string>,
  };
}

/** Healthy jobs are faded, so that jobs in trouble stand out when zoomed out. In percent of the colour. */
const strength: Record<Standing, number> = {
  failing: 100,
  late: 100,
  running: 100,
  disabled: 100,
  waiting: 80,
  missed: 80,
  paused: 55,
  skipped: 55,
  ok: 48,
  idle: 42,
};

const blockColour = (colour: string, background: string, percent: number): string =>
  `color-mix(in srgb, ${colour} ${percent}%, ${background})`;
