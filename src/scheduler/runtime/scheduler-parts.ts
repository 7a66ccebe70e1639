/** What a scheduler is made of. */

import type { Notice } from '../handle.ts';
import type { Settings } from '../model/model.ts';
import type { AuditLine } from '../model/token.ts';
import type { Notifier } from '../notifier.ts';
import type { Clock, Election, Launcher, LocalEngine, Log, Member, Store } from '../ports.ts';
import type { ReportedOutput } from '../reported-output.ts';
import type { HostEngine } from './hosts.ts';
import type { LastLines } from './outbox/messages.ts';

export interface SchedulerParts {
  readonly settings: Settings;
  /** Identity of the installation; see `Store.installation`. */
  readonly installation: string;
  readonly self: Member;
  /** An open store. Whoever opened it closes it after the scheduler has stopped. */
  readonly store: Store;
  readonly election: Election;
  readonly launchers: readonly Launcher[];
  /** Reaches another node's engine through that node. */
  readonly elsewhere?: (there: HostEngine) => LocalEngine;
  readonly clock: Clock;
  readonly log: Log;
  readonly startsInFlight: number;
  /** Absent: there are no receivers. */
  readonly notifier?: Notifier;
  /** The last lines of an output as text. Absent: messages have none. */
  readonly lastLines?: LastLines;
  /** Absent: the output of reported runs is not kept. */
  readonly reportedOutput?: ReportedOutput;
  /** Learns what this node decided as the leader, once it is durable. */
  readonly traces?: { readonly decided: (notices: readonly Notice[]) => void };
  /** Learns the lines of the audit that this node wrote as the leader, once they are durable. */
  readonly auditSink?: { readonly write: (lines: readonly AuditLine[]) => void };
  /** Older lines of the audit are not answered. Default: that of the record. */
  readonly auditRetentionMs?: number;
  /** Those that this node itself shows to others. */
  readonly certificates?: Launcher['expiries'];
  /** A broken invariant: the node cannot continue and the process should end. */
  readonly onFatal: (error: unknown) => void;
}
