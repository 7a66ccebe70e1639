/** The kinds of records of backfills. They are part of the table in table.ts. */

import type { Backfill, Backfilled, BackfillPlan } from '../model/backfill.ts';
import { SYSTEM_OWNER } from '../model/ids.ts';
import {
  decodeBackfill,
  decodeBackfilled,
  decodeBackfillPlan,
  encodeBackfill,
  encodeBackfilled,
  encodeBackfillPlan,
} from './codec-backfill.ts';
import type { PastKind, PresentKind } from './kind.ts';

export const backfillKinds = {
  /** Unfinished, new or changed: written with each step that begins or ends. */
  backfill: {
    is: 'present',
    since: 7,
    steps: [],
    table: 'backfills',
    key: ({ id }) => id,
    encode: encodeBackfill,
    decode: ([, id, value]) => decodeBackfill(id, value),
  } satisfies PresentKind<Backfill>,
  /** Written once, with the backfill. */
  'backfill-plan': {
    is: 'present',
    since: 7,
    steps: [],
    table: 'backfill-plans',
    key: ({ id }) => id,
    encode: encodeBackfillPlan,
    decode: ([, id, value]) => decodeBackfillPlan(id, value),
  } satisfies PresentKind<BackfillPlan>,
  'backfill-ended': {
    is: 'past',
    since: 7,
    steps: [],
    table: 'ended-backfills',
    folder: 'history',
    of: 'job',
    keep: 100,
    removes: ['backfill', 'backfill-plan'],
    named: 'id',
    key: ({ id }) => id,
    owner: () => SYSTEM_OWNER,
    place: ([, id, { createdAt }]) => [createdAt as number, id],
    // Some stores keep the past of an owner without its keys.
    encode: (backfill) => ({ id: backfill.id, ...encodeBackfill(backfill) }),
    decode: ([, , value]) => decodeBackfill(value.id as string, value),
  } satisfies PastKind<Backfill>,
  /** What a backfill made of a due time; the newest one replaces earlier ones. It is laid over the ledger. */
  backfilled: {
    is: 'past',
    since: 7,
    steps: [],
    table: 'backfilled',
    folder: 'history',
    of: 'job',
    keep: 5_000,
    key: ({ job }) => job,
    more: ({ due }) => due,
    owner: ([, job]) => job,
    place: ([, , , due]) => [due as number],
    encode: encodeBackfilled,
    decode: ([, job, value, due]) => decodeBackfilled(job, due as number, value),
  } satisfies PastKind<Backfilled>,
} as const;
