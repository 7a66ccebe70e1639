/** Parameters in requests. */

import { Type } from 'typebox';
import { variables } from '../../scheduler/job/schema/choices.ts';
import { paramForm, textForm } from '../../scheduler/job/schema/forms.ts';
import { MAX_PARAM_BYTES, MAX_PARAMS, type ParamValue } from '../../scheduler/job/schema/params.ts';
import { published } from '../../scheduler/job/schema/published.ts';

/** The scheduler checks the values: what they may be, the job says. */
export const givenParams = (description: string) =>
  Type.Unsafe<Record<string, ParamValue>>(
    Type.Record(Type.String(), Type.Unknown(), {
      maxProperties: MAX_PARAMS,
      description,
      ...published({
        patternProperties: undefined,
        propertyNames: variables(paramForm).propertyNames,
        additionalProperties: {
          anyOf: [
            { type: 'string', maxLength: MAX_PARAM_BYTES, pattern: textForm },
            { type: 'number' },
            { type: 'boolean' },
          ],
        },
      }),
    }),
  );
