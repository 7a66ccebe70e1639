/** What the templates of a job become for a run. */

import { type Static, Type } from 'typebox';
import { dayForm, instantForm } from '../../scheduler/job/schema/forms.ts';
import { published } from '../../scheduler/job/schema/published.ts';
import { givenParams } from './given-params.ts';
import { instant, orNull } from './shape.ts';

export const WireRenderRequest = Type.Object(
  {
    due: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'Due time. Default: the next one of the job, or now.',
        ...published({ anyOf: [{ pattern: instantForm }, { pattern: dayForm }] }),
      }),
    ),
    params: Type.Optional(givenParams('Parameters. Default: those of a run by schedule.')),
  },
  { additionalProperties: false },
);
export type WireRenderRequest = Static<typeof WireRenderRequest>;

export const WireRendered = Type.Object(
  {
    due: instant('Due time for which the templates were rendered.'),
    params: Type.Record(Type.String(), Type.String(), { description: 'Defaults included.' }),
    revision: Type.Integer({ description: 'Revision of the job that has the templates.' }),
    runs: orNull(Type.Boolean(), {
      description: 'Whether runIf is true. Null: there is none, or it cannot be rendered.',
    }),
    fields: Type.Array(
      Type.Object({
        field: Type.String({ description: 'Path of the field, such as run.argv[1].' }),
        template: Type.String(),
        value: orNull(Type.String(), { description: 'Null: it cannot be rendered.' }),
        problem: orNull(Type.String(), { description: 'Why it cannot be rendered.' }),
      }),
      {
        description:
          'Each field that has a template. Without the permission env, those of run.env are missing.',
      },
    ),
  },
  { $id: 'Rendered' },
);
export type WireRendered = Static<typeof WireRendered>;
