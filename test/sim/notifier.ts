/** Receivers that accept late, refuse for a while, or accept and lose their answer. */

import type { Notifier } from '../../src/scheduler/notifier.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';

export interface SimNotifierParts {
  readonly process: Process;
  readonly random: Random;
  readonly onMessage: (key: string) => void;
}

export function simNotifier({ process, random, onMessage }: SimNotifierParts): Notifier {
  const pause = (ms: number): Promise<void> => new Promise((resolve) => process.clock.after(ms, resolve));
  return {
    receivers: new Set(['pager', 'mail', 'boss']),
    start: async () => undefined,
    stop: async () => undefined,
    async send(_, { key }) {
      await pause(random.mostlySmall(5, 3_000));
      if (random.chance(0.2)) throw new Error('the receiver does not respond');
      onMessage(key);
      await pause(random.mostlySmall(5, 3_000));
      if (random.chance(0.1)) throw new Error('the connection was lost before the answer');
    },
  };
}
