/** What a receiver is: a person or a program that gets messages, by one way of delivery. */

import type { Message } from '../scheduler/model/alert.ts';
import type { About } from '../scheduler/notifier.ts';
import type { Clock } from '../scheduler/ports.ts';

export interface Receiver {
  /** NOTIFICATION_FAILED if a file that it needs cannot be used. */
  check(): Promise<void>;
  /**
   * Resolves once the message is delivered. NOTIFICATION_REFUSED: it never will be. NOTIFICATION_FAILED: repeat the call
   * later. The texts of the message are those of `shown`; the signal ends the delivery.
   */
  send(message: Message, signal: AbortSignal, about?: About): Promise<void>;
}

export interface ReceiverParts {
  readonly clock: Clock;
  /** Identity of the installation, known when the first message is sent. */
  readonly installation: () => string;
  /** For commands: PATH, HOME. For requests: proxies. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A command line with only the first descriptors (supervisor/file.ts). */
  readonly bare: (argv: readonly [string, ...string[]]) => readonly [string, ...string[]];
}
