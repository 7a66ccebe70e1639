/** The port to those who are told of alerts. */

import { CarillonError } from '../errors.ts';
import type { JobGlance } from './handle.ts';
import type { Beat } from './job/schema/heartbeat.ts';
import type { Message } from './model/alert.ts';
import type { Service } from './ports.ts';

/** The receiver will never accept this message. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof CarillonError && error.code === 'NOTIFICATION_REFUSED';

/** The job as it is when the message is sent. Absent: a test, or the job is gone. */
export type About = Pick<JobGlance, 'job' | 'state'>;

/** What a service outside is told of a run. */
export interface JobBeat {
  readonly job: string;
  readonly run: string;
  readonly beat: Beat;
}

/** Sends messages to receivers: people and programs. `stop` ends what is being sent. */
export interface Notifier extends Service {
  /** Names of the configured receivers. */
  readonly receivers: ReadonlySet<string>;
  /** Why these are older than what is configured now. Null or absent: they are not. */
  readonly problem?: string | null;
  /**
   * Resolves once the receiver has accepted the message. It may get the same one again. NOTIFICATION_REFUSED: the receiver
   * will not accept this message, or there is no such receiver. Any other error: repeat the call later.
   */
  send(receiver: string, message: Message, about?: About): Promise<void>;
  /** Names of the services that `heartbeat` of a job may name. */
  readonly services?: ReadonlySet<string>;
  /** Tells a service. Rejects like `send`. */
  beat?(service: string, beat: JobBeat): Promise<void>;
}
