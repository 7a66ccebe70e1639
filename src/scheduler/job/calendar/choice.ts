/** The calendar of a schedule, and what becomes of the due times that it takes out. */

import { Type } from 'typebox';
import { closed, oneOf } from '../schema/parts.ts';
import { calendarNamePattern } from './document.ts';

const calendarName = Type.String({ pattern: calendarNamePattern, description: 'Name of a calendar.' });

export const CalendarChoice = Type.Object(
  {
    except: Type.Optional(calendarName),
    only: Type.Optional(calendarName),
    then: Type.Optional(
      oneOf(['skip', 'next', 'previous'], {
        description:
          'What happens to a run that the calendar takes out: it is skipped, or moved to the same local time of the next or ' +
          'the previous day that the calendar allows, at most 31 days away. Default: skip.',
      }),
    ),
  },
  {
    ...closed,
    description:
      'Leave out due times in the windows of a calendar, or all others. Exactly one of except and only.',
  },
);
