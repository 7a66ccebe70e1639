/** A lost connection is waited for, a closed session is not. */

import { expect, test } from 'vitest';
import { patiently } from '../../../../src/store/zookeeper/wire/patience.ts';
import { type SessionState, ZooKeeperError } from '../../../../src/store/zookeeper/wire/session.ts';
import { SimClock } from '../../../support/sim-clock.ts';

/** An action that fails until `connected`. */
function waiting(failure: 'NOT_CONNECTED' | 'BAD_VERSION' = 'NOT_CONNECTED') {
  const clock = new SimClock(0);
  const session: { state: SessionState } = { state: 'suspended' };
  let end: string | null = null;
  const action = async () => {
    if (session.state !== 'connected') throw new ZooKeeperError(failure as never, 'not sent');
    return 'done';
  };
  void patiently(clock, session, action).then(
    (answer) => (end = answer),
    (error: ZooKeeperError) => (end = error.code),
  );
  return { clock, session, end: () => end };
}

test('it is repeated until the session is connected', async () => {
  const { clock, session, end } = waiting();
  await clock.advance(30_000);
  expect(end()).toBe(null);
  session.state = 'connected';
  await clock.advance(1_000);
  expect(end()).toBe('done');
});

test('a closed session ends the wait at once, so that a node can stop', async () => {
  const { clock, session, end } = waiting();
  await clock.advance(1_000);
  session.state = 'closed';
  await clock.advance(1_000);
  expect(end()).toBe('NOT_CONNECTED');
});

test('it is given up after a minute', async () => {
  const { clock, end } = waiting();
  await clock.advance(59_000);
  expect(end()).toBe(null);
  await clock.advance(2_000);
  expect(end()).toBe('NOT_CONNECTED');
});

test('a failure that does not pass is not repeated', async () => {
  const { clock, end } = waiting('BAD_VERSION');
  await clock.advance(0);
  expect(end()).toBe('BAD_VERSION');
});
