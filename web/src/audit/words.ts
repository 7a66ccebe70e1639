/** Actions of the audit in words, and pages about what they were done on. */

import type { WireAuditLine } from '../../../src/api/wire/access.ts';

export const actionWords: Readonly<Record<string, string>> = {
  'put-job': 'Saved the job',
  apply: 'Applied the job',
  'delete-job': 'Deleted the job',
  pause: 'Paused the job',
  resume: 'Resumed the job',
  trigger: 'Triggered the job',
  start: 'Started several jobs',
  rerun: 'Ran again',
  kill: 'Killed the run',
  'kill-pipeline': 'Killed the pipeline',
  'rerun-pipeline': 'Ran what failed of the pipeline again',
  complete: 'Reported the result of the run',
  'mark-success': 'Marked the job as succeeded',
  acknowledge: 'Acknowledged the alert',
  mute: 'Muted the job',
  unmute: 'Unmuted the job',
  'send-again': 'Sent a message again',
  'create-token': 'Created a token',
  'revoke-token': 'Revoked the token',
  'end-sessions': 'Ended sessions',
  'add-key': 'Made a signing key',
  'log-in': 'Logged in',
  'log-out': 'Logged out',
  request: 'Sent a request',
  lead: 'Became the leader',
};

const onJobs = [
  'put-job',
  'apply',
  'delete-job',
  'pause',
  'resume',
  'trigger',
  'mark-success',
  'mute',
  'unmute',
];
const onRuns = ['rerun', 'kill', 'kill-pipeline', 'complete'];

export const actionWord = (action: string): string => actionWords[action] ?? action;

/** Null: there is no page. */
export function pageAbout({ action, on }: Pick<WireAuditLine, 'action' | 'on'>): string | null {
  if (on === null) return null;
  if (onJobs.includes(action)) return `/jobs/${encodeURIComponent(on)}`;
  return onRuns.includes(action) ? `/runs/${encodeURIComponent(on)}` : null;
}
