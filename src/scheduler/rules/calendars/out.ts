/** Due times that a calendar or an exception takes out, as the ledger and previews say it. */

import type { LedgerLine } from '../../model/model.ts';
import { isSame, type Reason } from '../../model/reason.ts';
import type { TakenOut } from '../../schedule/calendar/schedule.ts';
import type { CalendarSchedule } from '../../schedule/model.ts';
import { excludedBetween } from '../../schedule/next.ts';
import { MAX_OUT } from '../../state/decided.ts';
import type { Entry } from '../../state/state.ts';

type OutStretch = Pick<LedgerLine, 'from' | 'to' | 'count' | 'reason'> & { readonly more: boolean };

/** Those after the cursor: one per reason and row, as long as they are few. */
export function outUpTo({ schedule, state }: Entry, upToMs: number): OutStretch[] {
  if (schedule?.kind !== 'calendared') return [];
  const outs = excludedBetween(schedule, { afterMs: state.cursor, upToMs, most: MAX_OUT });
  const stretches: OutStretch[] = [];
  for (const out of outs) {
    if (state.ahead.some(({ from, to }) => from <= out.at && out.at <= to)) continue;
    const reason = reasonOut(schedule, out);
    const last = stretches.at(-1);
    const isFull = stretches.length >= MAX_OUT_STRETCHES;
    if (last !== undefined && (isFull || isSame(last.reason, reason)))
      stretches[stretches.length - 1] = { ...last, to: out.at, count: last.count + 1 };
    else stretches.push({ from: out.at, to: out.at, count: 1, reason, more: false });
  }
  const last = stretches.at(-1);
  if (outs.length === MAX_OUT && last !== undefined)
    stretches[stretches.length - 1] = { ...last, to: upToMs, more: true };
  return stretches;
}

/** Entries that one step writes about due times that are taken out; the last one has the rest. */
const MAX_OUT_STRETCHES = 100;

export function reasonOut({ exceptions }: CalendarSchedule, { at, calendar, to }: TakenOut): Reason {
  const moved = to === null ? {} : { to };
  if (calendar !== null) return { code: 'calendar', calendar, ...moved };
  const { by = '', reason = '' } = exceptions.find((each) => each.at === at) ?? {};
  return { code: 'taken-out', by, ...moved, ...(reason !== '' && { text: reason }) };
}
