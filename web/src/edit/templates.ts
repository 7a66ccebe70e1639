/** Templates for new jobs, one per kind of schedule. */

import type { Tree } from './path.ts';

export interface Template {
  readonly key: string;
  readonly title: string;
  readonly text: string;
  readonly definition: Tree;
}

const command = 'echo "it is $CARILLON_DUE"';

export const templates: readonly Template[] = [
  {
    key: 'cron',
    title: 'Cron schedule',
    text: 'A cron expression in a time zone, such as every night at two.',
    definition: { name: '', schedule: { cron: '0 2 * * *', timezone: 'UTC' }, run: { command } },
  },
  {
    key: 'every',
    title: 'Repeat',
    text: 'A fixed interval, such as every 15 minutes or every 5 seconds.',
    definition: { name: '', schedule: { every: 'PT15M' }, run: { command } },
  },
  {
    key: 'at',
    title: 'Once',
    text: 'At one time, then never again.',
    definition: { name: '', schedule: { at: '' }, run: { command } },
  },
  {
    key: 'after',
    title: 'After other jobs',
    text: 'When its parent jobs have ended.',
    definition: { name: '', schedule: { after: { parents: [] } }, run: { command } },
  },
  {
    key: 'none',
    title: 'Manual',
    text: 'Only when triggered.',
    definition: { name: '', run: { command } },
  },
];
