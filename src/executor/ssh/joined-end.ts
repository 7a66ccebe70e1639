/** The end of a launch on several hosts, from its end on each. Pure. */

import type { Observation } from '../../scheduler/ports.ts';

type Usage = NonNullable<PartEnd['usage']>;

type Ended = Extract<Observation, { kind: 'ended' }>;

/** How it ended on one host. */
export type PartEnd = Pick<
  Ended,
  'at' | 'exitCode' | 'reason' | 'cause' | 'infrastructure' | 'bytesDropped' | 'usage'
>;

/** Hosts that a reason names. */
const shown = 5;

/** A success if it succeeded on each. Otherwise the exit code is that of the first host that has one, in their order. */
export function joined(parts: readonly { readonly host: string; readonly end: PartEnd }[]): PartEnd {
  const at = Math.max(...parts.map(({ end }) => end.at));
  const dropped = parts.reduce((sum, { end }) => sum + (end.bytesDropped ?? 0), 0);
  const more = { at, ...(dropped > 0 && { bytesDropped: dropped }), ...usageOf(parts.map(({ end }) => end)) };
  const failed = parts.filter(({ end }) => end.exitCode !== 0);
  if (failed.length === 0) return { ...more, exitCode: 0 };
  const words = failed
    .slice(0, shown)
    .map(({ host, end }) => `${host}: ${end.reason ?? `exit code ${end.exitCode}`}`);
  const others = failed.length > shown ? `; and ${failed.length - shown} more` : '';
  const cause = failed.find(({ end }) => end.cause !== undefined)?.end.cause;
  return {
    ...more,
    exitCode: failed.find(({ end }) => end.exitCode !== null)?.end.exitCode ?? null,
    reason: `Failed on ${failed.length} of ${parts.length} hosts: ${words.join('; ')}${others}`,
    ...(cause !== undefined && { cause }),
    ...(failed.every(({ end }) => end.infrastructure === true) && { infrastructure: true }),
  };
}

/** What all of them used together, and the largest peak; only what is known of each. */
function usageOf(ends: readonly PartEnd[]): Pick<PartEnd, 'usage'> {
  const valuesOf = (name: keyof Usage): number[] => ends.flatMap(({ usage }) => usage?.[name] ?? []);
  const usage: { -readonly [name in keyof Usage]: number } = {};
  for (const name of ['cpuMs', 'readBytes', 'writtenBytes', 'peakBytes'] as const) {
    const values = valuesOf(name);
    if (values.length < ends.length) continue;
    usage[name] = name === 'peakBytes' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0);
  }
  return Object.keys(usage).length === 0 ? {} : { usage };
}
