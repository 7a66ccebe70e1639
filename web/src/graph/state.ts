/**
 * The state of a job in one word, and how it is shown: a tone of the theme and a shape, never colour alone.
 * Listed by urgency: for a group, the first state that any of its jobs has.
 */

import type { WireGraphNode } from '../../../src/api/wire/views.ts';

export const standings = [
  'failing',
  'late',
  'running',
  'waiting',
  'disabled',
  'missed',
  'paused',
  'skipped',
  'ok',
  'idle',
] as const;
export type Standing = (typeof standings)[number];

export type Tone = 'fail' | 'late' | 'run' | 'wait' | 'ok';

export const tones: Record<Standing, Tone> = {
  failing: 'fail',
  late: 'late',
  running: 'run',
  waiting: 'wait',
  disabled: 'fail',
  missed: 'late',
  paused: 'wait',
  skipped: 'wait',
  ok: 'ok',
  idle: 'wait',
};

export const words: Record<Standing, string> = {
  failing: 'failing',
  late: 'late',
  running: 'running',
  waiting: 'waiting',
  disabled: 'disabled',
  missed: 'missed',
  paused: 'paused',
  skipped: 'skipped',
  ok: 'succeeded',
  idle: 'not run yet',
};

/** Outlines in a box of 12 by 12, the same in the picture, legend and table. */
export const shapes: Record<Standing, string> = {
  failing: 'M2.5 2.5l7 7M9.5 2.5l-7 7',
  late: 'M6 1.5v5.5M6 9.8v.4',
  running: 'M3.5 2l6.5 4-6.5 4z',
  waiting: 'M6 1.2a4.8 4.8 0 1 0 0 9.6a4.8 4.8 0 1 0 0-9.6M6 3.4v2.8l1.9 1.3',
  disabled: 'M6 1.2a4.8 4.8 0 1 0 0 9.6a4.8 4.8 0 1 0 0-9.6M2.6 2.6l6.8 6.8',
  missed: 'M6 1.5L10.5 6L6 10.5L1.5 6z',
  paused: 'M4 2.5v7M8 2.5v7',
  skipped: 'M2.5 6h7',
  ok: 'M2 6.4l2.8 2.8L10 3.4',
  idle: 'M6 2.4a3.6 3.6 0 1 0 0 7.2a3.6 3.6 0 1 0 0-7.2',
};

/**
 * A failing job runs again before it is healthy: a running run takes precedence, its past is in the panel.
 */
export function standingOf(node: WireGraphNode): Standing {
  if (node.status === 'disabled') return 'disabled';
  if (node.late !== null) return 'late';
  if (node.running > 0) return 'running';
  if (node.consecutiveFailures > 0) return 'failing';
  if (node.waiting > 0 || node.lacking.length > 0) return 'waiting';
  if (node.status === 'paused') return 'paused';
  if (node.last === null) return 'idle';
  return node.last.state === 'skipped' || node.last.state === 'missed' ? node.last.state : 'ok';
}

/** The most urgent state. */
export const standingOfAll = (nodes: readonly WireGraphNode[]): Standing => {
  const first = nodes[0];
  if (first !== undefined && nodes.length === 1) return standingOf(first);
  const found = new Set(nodes.map(standingOf));
  return standings.find((standing) => found.has(standing)) ?? 'idle';
};
