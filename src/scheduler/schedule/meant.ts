/** What a text means that stands where no schedule of its kind can be read: `0 1 * * *` under `every` is cron. */

import { parseCron, splitCron } from './cron.ts';
import { expandMacro } from './cron-macro.ts';
import { parseDateTime, parseRepeat } from './iso.ts';
import { readDuration } from './period.ts';

/** How to write it below `schedule`, as `cron: "0 1 * * *"`; null where nothing is likely. */
export function meantSchedule(written: string): string | null {
  const text = written.trim().replace(/^[“”„‘’"']+|[“”„‘’"']+$/g, '');
  const macro = adverbs.test(text) ? `@${text.toLowerCase()}` : text;
  if (reads(() => parseCron(splitCron(expandMacro(macro)).join(' '))))
    return `cron: ${JSON.stringify(macro)}`;
  if (reads(() => parseRepeat(text, ''))) return `every: ${text}`;
  const spoken = duration(text);
  if (spoken !== null) return `every: ${spoken}`;
  const at = text.replace(/^(\d{4}-\d\d-\d\d) (\d)/, '$1T$2');
  return reads(() => parseDateTime(at, '')) ? `at: ${at}` : null;
}

const letters: Readonly<Record<string, string>> = { second: 's', minute: 'm', hour: 'h' };
const days: Readonly<Record<string, number>> = { day: 1, week: 7 };
const adverbs = /^(hourly|daily|weekly|monthly|yearly)$/i;

/** `every 5 minutes`, `hour`, `5 min`, `5m`. */
function duration(text: string): string | null {
  const bare = text.replace(/^@?every\s+/i, '');
  if (typeof readDuration(bare) !== 'string') return bare;
  const [, count = '1', word = ''] =
    /^(?:(\d{1,9})\s*)?(sec(?:ond)?|min(?:ute)?|hour|day|week|month)s?$/i.exec(bare) ?? [];
  const unit = word.toLowerCase().replace(/^sec$/, 'second').replace(/^min$/, 'minute');
  if (unit === '' || Number(count) === 0) return null;
  if (letters[unit] !== undefined) return `${Number(count)}${letters[unit]}`;
  return unit === 'month' ? `P${Number(count)}M` : `P${Number(count) * (days[unit] as number)}D`;
}

function reads(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}
