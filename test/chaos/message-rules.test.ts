/** The judge of messages, over a flawless history that is spoilt in one place. */

import { describe, expect, test } from 'vitest';
import { evidenceOf } from './evidence.ts';
import type { MessageRecord } from './history.ts';
import { flawless, historyOf } from './made-up.ts';
import { checkMessages } from './message-rules.ts';

/** What is wrong, if these were received in place of one message for each success of `tick`. */
function wrong(change: (received: MessageRecord[]) => MessageRecord[], owed: string[] = []): string[] {
  const draft = flawless();
  draft.jobs = draft.jobs.map((job) => (job.name === 'tick' ? { ...job, reports: true } : job));
  const received = draft.runs
    .filter(({ job }) => job === 'tick')
    .map(({ id, job, endedAt }) => ({
      ...{ key: `${id}.1`, job, step: 'notice', condition: 'succeeded', run: id, digest: id },
      ...{ at: endedAt ?? 0, receivedAt: (endedAt ?? 0) + 50 },
    }));
  const history = { ...historyOf(draft), messages: { received: change(received), owed } };
  return checkMessages(evidenceOf(history)).map(({ rule, message }) => `${rule}: ${message}`);
}

describe('messages', () => {
  test('are as they should be, also when some come twice', () => {
    expect(wrong((received) => received)).toEqual([]);
    expect(wrong((received) => received.flatMap((each) => [each, each]))).toEqual([]);
    expect(wrong((received) => [...received, ...received.slice(0, 3)])).toEqual([]);
  });

  test.each<[string, (received: MessageRecord[]) => MessageRecord[], string]>([
    ['one is missing', (received) => received.slice(1), 'tick@0 is succeeded, which was not told'],
    [
      'one came under two keys',
      ([first, ...others]) => [first!, { ...first!, key: 'again' }, ...others],
      'tick@0 is succeeded, which was told as 2 messages',
    ],
    [
      'one came with two contents',
      ([first, ...others]) => [first!, { ...first!, digest: 'other' }, ...others],
      'tick@0.1 came with two contents',
    ],
    [
      'two came in the wrong order',
      ([first, second, ...others]) => [second!, first!, ...others],
      'tick@0.1 came after tick@2.1, which was decided later',
    ],
  ])('are wrong if %s', (_, change, says) => {
    expect(wrong(change).join()).toContain(says);
  });

  test('are wrong if some are still owed', () => {
    expect(wrong((received) => received, ['tick@0.2'])).toEqual([
      'message: the cluster: tick@0.2 was not delivered',
    ]);
  });
});
