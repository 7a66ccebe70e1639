/**
 * H in a cron field: a value derived from the job, so that a thousand daily jobs do not start at once. It is
 * computed once, when a job is accepted, and the expanded expression is stored. The values of existing jobs
 * must never change, so the hash is our own and small.
 */

import type { FieldSpec } from './field.ts';
import { fieldError, fieldSpecs, HOUR, MINUTE, SECOND } from './field.ts';

export interface ExpandedCron {
  readonly expression: string;
  /** Second, minute or hour contained `H/n`: the schedule counts as a wildcard although no `*` is left. */
  readonly wildcard: boolean;
}

/** Replaces each H in six upper-case fields. Throws INVALID_SCHEDULE. */
export function expandHash(fields: readonly string[], seed: string): ExpandedCron {
  let wildcard = false;
  const expanded = fields.map((text, index) => {
    const spec = fieldSpecs[index]!;
    if ((spec === SECOND || spec === MINUTE || spec === HOUR) && text.startsWith('H/')) wildcard = true;
    const hash = hashOf(`${seed}/${spec.name}`);
    return text
      .split(',')
      .map((item) => expandItem(spec, { text, item, hash }))
      .join(',');
  });
  return { expression: expanded.join(' '), wildcard };
}

function expandItem(spec: FieldSpec, from: { text: string; item: string; hash: number }): string {
  const { text, item, hash } = from;
  const match = /^H(?:\((\d+)-(\d+)\))?(?:\/(.*))?$/.exec(item);
  if (match === null) return item;
  const low = match[1] === undefined ? spec.min : Number(match[1]);
  const high = match[2] === undefined ? spec.hashMax : Number(match[2]);
  if (low < spec.min || high > spec.max || low > high) {
    throw fieldError(spec, text, `has "${item}", whose range is not within ${spec.min}-${spec.max}`);
  }
  const size = high - low + 1;
  if (match[3] === undefined) return `${low + (hash % size)}`;
  const step = /^\d{1,9}$/.test(match[3]) ? Number(match[3]) : 0;
  if (step === 0) throw fieldError(spec, text, `has "${item}", but a step is a whole number from 1`);
  const first = low + (hash % Math.min(step, size));
  return first + step > high ? `${first}` : `${first}-${high}/${step}`;
}

/**
 * FNV-1a over UTF-16 units, then a finisher, because similar names must get different values in small ranges.
 */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
