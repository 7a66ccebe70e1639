/** A job as Chronos described it in its notices over HTTP: all values are texts. */

import { shown } from '../job/masked.ts';
import type { About } from '../notifier.ts';
import { type ChronosField, crossFilled } from './job.ts';
import { countersOf, settledFields } from './mapping.ts';

const fields: readonly ChronosField[] = [
  ...(['command', 'cpus', 'softError', 'errorCount', 'errorsSinceLastSuccess', 'executor'] as const),
  ...(['executorFlags', 'lastError', 'lastSuccess', 'mem', 'retries', 'successCount', 'uris'] as const),
];

export function noticeOf(about: About): { readonly job: string } & Readonly<Record<string, string>> {
  const job = shown(crossFilled({ ...settledFields(about.job.definition), ...countersOf(about) }));
  return { job: job.name, ...Object.fromEntries(fields.map((field) => [field, String(job[field])])) };
}
