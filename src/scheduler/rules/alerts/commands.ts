/** Commands about alerts: acknowledge, mute, and send a message again. */

import { CarillonError } from '../../../errors.ts';
import type { Command, CommandAnswers } from '../../command.ts';
import { shorten } from '../../job/schema/explain.ts';
import type { Entry, State } from '../../state/state.ts';
import type { Turn } from '../../state/turn.ts';
import { noted } from '../access/audit.ts';
import { checkReason, checkUntil } from '../calendars/until.ts';
import { named } from './alerts.ts';
import { review, reviewJob, sendAgain } from './notifications.ts';

type Kind = 'acknowledge' | 'mute' | 'unmute' | 'send-again';
type Check<K extends Kind> = (
  before: { readonly state: State; readonly now: number },
  command: Extract<Command, { kind: K }>,
) => (turn: Turn) => CommandAnswers[K];

export const alertCommands: { readonly [K in Kind]: Check<K> } = {
  acknowledge({ state, now }, { id, until, by }) {
    if (until !== null) checkUntil(until, now);
    const alert = [...state.alerts.values()].find((each) => each.id === id);
    if (alert === undefined) throw alertNotFound(id);
    if (alert.acknowledged !== null && alert.acknowledged.until === until) return () => alert;
    return (turn) => {
      const { draft } = turn;
      const acknowledged = { ...alert, acknowledged: { by, at: draft.now, until } };
      review(turn, acknowledged);
      draft.act({ kind: 'alert.acknowledged', ...named(alert), by });
      const after = { until: until === null ? null : new Date(until).toISOString() };
      noted(turn, { on: id, before: { acknowledged: alert.acknowledged?.by ?? null }, after });
      return acknowledged;
    };
  },
  mute({ state, now }, { name, until, reason, by }) {
    const entry = state.entry(name);
    checkUntil(until, now);
    checkReason(reason, { required: false });
    return (turn) => setMuted(turn, entry, { by, at: turn.draft.now, until, reason });
  },
  unmute({ state }, { name, by }) {
    const entry = state.entry(name);
    return (turn) => (entry.state.muted === null ? answerOf(entry) : setMuted(turn, entry, null, by));
  },
  'send-again'({ state }, { id }) {
    const before = state.outbox.get(id);
    if (before === undefined) throw notificationNotFound(id);
    return (turn) => {
      if (before.state !== 'waiting') noted(turn, { on: id });
      return sendAgain(turn, id);
    };
  },
};

export const alertNotFound = (id: string): CarillonError =>
  new CarillonError('ALERT_NOT_FOUND', `There is no open alert with the id '${shorten(id)}'.`, {
    field: 'id',
    value: shorten(id),
  });

export const notificationNotFound = (id: string): CarillonError =>
  new CarillonError('NOTIFICATION_NOT_FOUND', `Notification '${id}' was delivered or does not exist.`, {
    field: 'id',
    value: id,
  });

function setMuted(turn: Turn, entry: Entry, muted: Entry['state']['muted'], by = muted?.by ?? '') {
  const { draft } = turn;
  const before = shownMute(entry.state.muted);
  entry.state.muted = muted;
  draft.state(entry.state);
  draft.act({ kind: muted === null ? 'job.unmuted' : 'job.muted', job: entry.job.name, by });
  noted(turn, { on: entry.job.name, before, after: shownMute(muted) });
  reviewJob(turn, entry);
  return answerOf(entry);
}

const shownMute = (muted: Entry['state']['muted']) => ({
  mutedUntil: muted === null ? null : new Date(muted.until).toISOString(),
  ...(muted !== null && muted.reason !== '' && { reason: muted.reason }),
});

const answerOf = ({ job, state }: Entry) => ({ job, state: { ...state } });
