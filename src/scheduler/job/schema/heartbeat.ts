/** `heartbeat` of a job: which services outside are told that it runs. */

import { Type } from 'typebox';
import { closed, definitionLimits, oneOf, text } from './parts.ts';

export const beats = ['start', 'success', 'failure'] as const;
export type Beat = (typeof beats)[number];

export const Heartbeat = Type.Object(
  {
    to: Type.Array(text('Name under heartbeats in the file of alerts.'), {
      minItems: 1,
      maxItems: definitionLimits.listLength,
      description: 'Services that are told.',
    }),
    on: Type.Optional(
      Type.Array(oneOf(beats), {
        minItems: 1,
        maxItems: beats.length,
        uniqueItems: true,
        description: 'What they are told: start, success and failure of each run. Default: all.',
      }),
    ),
  },
  { ...closed, description: 'Tells services outside of each run, so that they notice when there is none.' },
);
