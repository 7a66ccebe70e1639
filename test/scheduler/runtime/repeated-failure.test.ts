/** A failure that is retried each second fills no log. */

import { expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import type { Log } from '../../../src/scheduler/ports.ts';
import { RepeatedFailure } from '../../../src/scheduler/runtime/repeated-failure.ts';
import { SimClock } from '../../support/sim-clock.ts';

function rig() {
  const clock = new SimClock(0);
  const lines: object[] = [];
  const line = (level: string) => (fields: object, event: string) =>
    void lines.push({ level, event, ...fields });
  const log: Log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  const failure = new RepeatedFailure({ event: 'broken', level: 'error', clock, log });
  const full = (words = 'the disk is full') => failure.failed(new CarillonError('STORE_UNAVAILABLE', words));
  return { clock, failure, full, taken: () => lines.splice(0) };
}

const broken = { level: 'error', event: 'broken', code: 'STORE_UNAVAILABLE', cause: 'the disk is full' };

test('it is logged when it begins, once a minute while it lasts, and when it is over', async () => {
  const { clock, failure, full, taken } = rig();
  failure.over();
  for (let second = 0; second < 60; second++) {
    full();
    await clock.advance(1_000);
  }
  expect(taken()).toEqual([{ ...broken, failures: 1 }]);
  full();
  expect(taken()).toEqual([{ ...broken, failures: 61 }]);
  failure.over();
  failure.over();
  expect(taken()).toEqual([{ level: 'info', event: 'broken-over', failures: 61 }]);
});

test('one that comes and goes each second is logged once a minute', async () => {
  const { clock, failure, full, taken } = rig();
  for (let second = 0; second < 120; second++) {
    full();
    failure.over();
    await clock.advance(1_000);
  }
  expect(taken()).toMatchObject([
    { event: 'broken', failures: 1 },
    { event: 'broken-over' },
    { event: 'broken' },
    { event: 'broken-over' },
  ]);
});

test('another cause is logged at once, and one that nobody expected with its stack', () => {
  const { failure, full, taken } = rig();
  full();
  for (let times = 0; times < 3; times++) {
    full('the file system is read-only');
    full();
  }
  const error = new TypeError('undefined is not a function');
  failure.failed(error);
  expect(taken()).toMatchObject([broken, { cause: 'the file system is read-only' }, { error }]);
});
