/** The overall state in one sentence. */

import type { WireOverview } from '../../../src/api/wire/plots.ts';

export function headline({ jobs, late, failing, running, waiting }: WireOverview['counts']): string {
  if (jobs === 0) return 'Welcome';
  const troubles = [
    ...(late > 0 ? [`${number(late, 'job')} ${late === 1 ? 'is' : 'are'} late`] : []),
    ...(failing > 0
      ? [
          late > 0
            ? `${failing} ${failing === 1 ? 'fails' : 'fail'}`
            : `${number(failing, 'job')} ${failing === 1 ? 'fails' : 'fail'}`,
        ]
      : []),
  ];
  if (troubles.length > 0) return `${troubles.join(', ')}.`;
  if (running > 0) return `No problems: ${number(running, 'run')} in progress.`;
  return waiting > 0 ? `No problems: ${number(waiting, 'run')} waiting.` : 'No problems. Nothing is running.';
}

const number = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
