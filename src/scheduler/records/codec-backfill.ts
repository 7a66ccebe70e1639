/** Stored forms of backfills: due times as differences, and progress as run lengths. */

import type { Backfill, Backfilled, BackfillOptions, BackfillPlan, Lane } from '../model/backfill.ts';
import type { Stored } from './kind.ts';

const usualOptions = { only: [], downstream: false, atOnce: 1, newestFirst: false, params: {}, does: 'run' };

const isUsual = (value: unknown, usual: unknown): boolean => JSON.stringify(value) === JSON.stringify(usual);

function differing(value: object, usual: Stored): Stored {
  return Object.fromEntries(Object.entries(value).filter(([key, each]) => !isUsual(each, usual[key])));
}

export const encodeBackfill = ({
  id: _,
  progress,
  options,
  gone,
  endedAt,
  plan,
  ...rest
}: Backfill): Stored => ({
  ...rest,
  options: differing(options, usualOptions),
  progress: packProgress(progress),
  ...(gone.length > 0 && { gone }),
  ...(endedAt !== null && { endedAt }),
  ...(plan !== undefined && { plan: encodeBackfillPlan(plan) }),
});

export function decodeBackfill(id: string, stored: Stored): Backfill {
  const { progress, options, plan, ...rest } = stored;
  return {
    id,
    gone: [],
    endedAt: null,
    ...rest,
    options: { ...usualOptions, ...(options as object) } as unknown as BackfillOptions,
    progress: unpackProgress(progress as string),
    ...(plan !== undefined && { plan: decodeBackfillPlan(id, plan as Stored) }),
  } as unknown as Backfill;
}

/** `...ssf` is `.3s2f`. */
export const packProgress = (progress: string): string =>
  progress.replaceAll(/(.)\1*/g, (run: string) => `${run.charAt(0)}${run.length === 1 ? '' : run.length}`);

export const unpackProgress = (packed: string): string =>
  packed.replaceAll(/([^\d])(\d*)/g, (_, sign: string, length: string) =>
    sign.repeat(length === '' ? 1 : Number(length)),
  );

export const encodeBackfillPlan = ({ newestFirst, lanes }: BackfillPlan): Stored => ({
  ...(newestFirst && { newestFirst }),
  lanes: lanes.map(({ job, dues, froms, after, when, conditions, follows }) => ({
    job,
    dues: packInstants(dues),
    ...(froms !== undefined && { froms: packInstants(froms) }),
    ...(after.length > 0 && { after, when }),
    ...(conditions !== undefined && { conditions }),
    ...(follows && { follows }),
  })),
});

type StoredLane = Partial<Lane> & { job: string; dues: string; froms?: string };

export function decodeBackfillPlan(id: string, { newestFirst = false, lanes }: Stored): BackfillPlan {
  return {
    id,
    newestFirst: newestFirst as boolean,
    lanes: (lanes as unknown as StoredLane[]).map(({ dues, froms, ...lane }) => ({
      after: [],
      when: 'all-succeeded' as const,
      ...lane,
      dues: unpackInstants(dues),
      ...(froms !== undefined && { froms: unpackInstants(froms) }),
    })),
  };
}

const RADIX = 36;
/** The first instant, and the differences; equal ones in a row are one with their number. */
export function packInstants(instants: readonly number[]): string {
  const parts: { difference: number; times: number }[] = [];
  for (const [i, instant] of instants.entries()) {
    const difference = instant - (instants[i - 1] ?? 0);
    const last = parts.at(-1);
    if (last?.difference === difference) last.times += 1;
    else parts.push({ difference, times: 1 });
  }
  return parts
    .map(({ difference, times }) => difference.toString(RADIX) + (times === 1 ? '' : `*${times}`))
    .join(' ');
}

export function unpackInstants(packed: string): number[] {
  const instants: number[] = [];
  for (const part of packed === '' ? [] : packed.split(' ')) {
    const [difference = '', times = '1'] = part.split('*');
    for (let i = 0; i < Number(times); i++)
      instants.push((instants.at(-1) ?? 0) + Number.parseInt(difference, RADIX));
  }
  return instants;
}

export const encodeBackfilled = ({ job: _, due: __, ...rest }: Backfilled): Stored => ({ ...rest });

export const decodeBackfilled = (job: string, due: number, stored: Stored): Backfilled =>
  ({ job, due, ...stored }) as unknown as Backfilled;
