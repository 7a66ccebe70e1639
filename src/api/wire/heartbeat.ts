/** The answer to a report about a run that somebody else runs. */

import { type Static, Type } from 'typebox';
import type { ReportStep } from '../../scheduler/command.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import { endStates, liveStates } from '../../scheduler/model/model.ts';
import { orNull } from './shape.ts';

/** What is reported. */
export type WireReportStep = ReportStep;

export const WireHeartbeat = Type.Object(
  {
    job: Type.String(),
    run: orNull(Type.String(), {
      description: 'The run that the report is about. Null if an earlier report has ended it.',
    }),
    state: orNull(oneOf([...liveStates, ...endStates])),
    repeated: Type.Boolean({ description: 'The same was reported before, and nothing was changed.' }),
  },
  { $id: 'Heartbeat' },
);
export type WireHeartbeat = Static<typeof WireHeartbeat>;
