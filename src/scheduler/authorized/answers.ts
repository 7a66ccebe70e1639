/** Answers to commands, as whoever asked may see them. The core has decided that he may ask. */

import type { AnswerTo, Command, StartedJob } from '../command.ts';
import type { Alert, Notification } from '../model/alert.ts';
import type { Run } from '../model/model.ts';
import type { Redaction } from './redaction.ts';
import type { Sight } from './sight.ts';

export interface Seeing {
  readonly sight: Sight;
  readonly redaction: Redaction;
}

export function answerFor<C extends Command>(seeing: Seeing, command: C, answer: AnswerTo<C>): AnswerTo<C> {
  return shown(seeing, command, answer) as AnswerTo<C>;
}

function shown({ sight, redaction }: Seeing, command: Command, answer: unknown): unknown {
  switch (command.kind) {
    case 'trigger':
    case 'rerun':
    case 'kill':
    case 'complete':
    case 'mark-success':
      return redaction.run(answer as Run);
    case 'kill-pipeline':
    case 'rerun-pipeline':
      return (answer as readonly Run[]).map((run) => redaction.run(run));
    case 'acknowledge':
      return redaction.alert(answer as Alert);
    case 'send-again':
      return redaction.notification(answer as Notification);
    case 'put-calendar':
      return calendarFor(sight, answer as PutCalendar);
    case 'start':
      return (answer as readonly StartedJob[])
        .filter(({ job }) => sight.seesName(job))
        .map((started) => startedFor({ sight, redaction }, started));
    default:
      return answer;
  }
}

type PutCalendar = AnswerTo<Extract<Command, { kind: 'put-calendar' }>>;

const calendarFor = (sight: Sight, answer: PutCalendar): PutCalendar => ({
  ...answer,
  users: answer.users.filter((name) => sight.seesName(name)),
});

function startedFor({ sight, redaction }: Seeing, started: StartedJob): StartedJob {
  const seen = (name: string): boolean => sight.seesName(name);
  return {
    ...started,
    after: started.after.filter(seen),
    others: started.others.filter(seen),
    skip: redaction.reason(started.skip, started.job),
    run: started.run && redaction.run(started.run),
  };
}
