/** Waits for a run to change. */

import type { SchedulerHandle } from '../handle.ts';
import type { Run } from '../model/model.ts';
import type { StopSignal } from '../ports.ts';

/** Resolves with the run after its next change, or unchanged when the reader disconnects. */
export function nextChange(
  scheduler: Pick<SchedulerHandle, 'subscribe' | 'liveRun' | 'run'>,
  run: Run,
  signal?: StopSignal,
): Promise<Run> {
  return new Promise((resolve) => {
    const done = (changed: Run): void => {
      unsubscribe();
      signal?.removeEventListener('abort', aborted);
      resolve(changed);
    };
    const aborted = (): void => done(run);
    const unsubscribe = scheduler.subscribe((notice) => {
      if (notice.kind === 'run' && notice.run.id === run.id) done(notice.run);
    });
    signal?.addEventListener('abort', aborted);
    // It may have changed between the read and the subscription.
    const now = scheduler.liveRun(run.id);
    if (now === undefined || now.attempts.at(-1)?.startedAt != null)
      void scheduler.run(run.id).then(done, () => done(run));
  });
}
