/** Where a new job begins: one for each way of being due. */

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
    title: 'By the calendar',
    text: 'Every night at two: a cron expression in a time zone.',
    definition: { name: '', schedule: { cron: '0 2 * * *', timezone: 'UTC' }, run: { command } },
  },
  {
    key: 'every',
    title: 'Every so often',
    text: 'Every 15 minutes, or every 5 seconds: a repeat.',
    definition: { name: '', schedule: { every: 'PT15M' }, run: { command } },
  },
  {
    key: 'at',
    title: 'Once',
    text: 'At one instant, and then never again.',
    definition: { name: '', schedule: { at: '' }, run: { command } },
  },
  {
    key: 'after',
    title: 'After others',
    text: 'When the jobs that it waits for have ended.',
    definition: { name: '', schedule: { after: { parents: [] } }, run: { command } },
  },
  {
    key: 'none',
    title: 'By hand',
    text: 'Only when somebody asks for it.',
    definition: { name: '', run: { command } },
  },
];
