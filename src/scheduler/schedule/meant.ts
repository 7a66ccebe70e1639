/** Suggests what a text means that is invalid under its key: `0 1 * * *` under `every` is cron. */

import { parseCron, splitCron } from './cron/cron.ts';
import { expandMacro } from './cron/macro.ts';
import { parseDateTime, parseRepeat } from './iso.ts';
import { meantDuration } from './period.ts';

/** How to write it below `schedule`, such as `cron: "0 1 * * *"`. Null: no suggestion. */
export function meantSchedule(written: string): string | null {
  const text = written.trim().replace(/^[“”„‘’"']+|[“”„‘’"']+$/g, '');
  const macro = adverbs.test(text) ? `@${text.toLowerCase()}` : text;
  if (reads(() => parseCron(splitCron(expandMacro(macro)).join(' '))))
    return `cron: ${JSON.stringify(macro)}`;
  if (reads(() => parseRepeat(text, ''))) return `every: ${text}`;
  const spoken = meantDuration(text.replace(/^@?every\s+/i, ''));
  if (spoken !== null) return `every: ${spoken}`;
  const at = text.replace(/^(\d{4}-\d\d-\d\d) (\d)/, '$1T$2');
  return reads(() => parseDateTime(at, '')) ? `at: ${at}` : null;
}

const adverbs = /^(hourly|daily|weekly|monthly|yearly)$/i;

function reads(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}
