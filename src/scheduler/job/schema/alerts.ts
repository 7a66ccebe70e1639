/** `alerts` of a job: what is reported, and to whom. */

import { Type } from 'typebox';
import { closed, definitionLimits, duration, oneOf, text } from './parts.ts';

/** What is over as soon as it is reported, and is only reported to those who ask for it. */
export const notices = ['succeeded', 'pipeline-done'] as const;
/** What alerts can be about: a job. */
export const jobConditions = [
  'failed',
  'late',
  'long',
  'missed',
  'disabled',
  'at-risk',
  'held-back',
  'skipped',
  'pipeline-late',
  ...notices,
] as const;
/** Or the scheduler itself and what it depends on. */
export const systemConditions = [
  'engine-unreachable',
  'queue-growing',
  'undecided',
  'store-slow',
  'expiring',
  'unled',
] as const;
export const severities = ['info', 'warning', 'critical'] as const;

const choices = [...jobConditions, 'recovered'] as const;

export const MAX_ESCALATIONS = 10;
export const Escalation = Type.Object(
  {
    after: duration('Since the first message.'),
    to: Type.Array(text('Name of a receiver.'), { minItems: 1, maxItems: definitionLimits.listLength }),
  },
  closed,
);

export const Alerts = Type.Object(
  {
    on: Type.Optional(
      Type.Array(oneOf(choices), {
        maxItems: choices.length,
        description:
          'What is reported. `recovered`: the end of what was reported before. Default: everything except ' +
          '`skipped`, `succeeded` and `pipeline-done`. Empty: nothing.',
      }),
    ),
    to: Type.Optional(
      Type.Array(text('Name of a receiver.'), {
        maxItems: definitionLimits.listLength,
        description: 'Receivers. Default: those of the routes.',
      }),
    ),
    after: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        description: 'Number of failed runs in a row before `failed` is reported. Default: 1.',
      }),
    ),
    severity: Type.Optional(oneOf(severities)),
    repeatEvery: Type.Optional(
      duration(
        'How often an alert that stays open is reported again until somebody acknowledges it. Default: that of the routes.',
      ),
    ),
    escalate: Type.Optional(
      Type.Array(Escalation, {
        maxItems: MAX_ESCALATIONS,
        description: 'Who else is notified if nobody acknowledges it. Default: as the routes say.',
      }),
    ),
  },
  closed,
);
