/** Delivery of notifications: order, repetition, and what becomes of those that are refused. */

import { beforeEach, describe, expect, test } from 'vitest';
import { CarillonError } from '../../../../src/errors.ts';
import type { Notification } from '../../../../src/scheduler/model/alert.ts';
import { Delivery } from '../../../../src/scheduler/runtime/outbox/delivery.ts';
import { SimClock } from '../../../support/sim-clock.ts';

let clock: SimClock;
let sent: string[];
let outcomes: string[];
let isFresh: boolean;
/** What receivers answer, one for each request; then they accept. */
let answers: Error[];
let answerTo: (id: string) => Error | null;
/** Requests wait for this. */
let gate: Promise<void>;

beforeEach(() => {
  clock = new SimClock(0);
  sent = [];
  outcomes = [];
  answers = [];
  answerTo = () => null;
  isFresh = true;
  gate = Promise.resolve();
});

const delivery = (): Delivery =>
  new Delivery({
    clock,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined },
    isFresh: () => isFresh,
    post: ({ id, error }) => outcomes.push(error === null ? `${id} delivered` : `${id} failed: ${error}`),
    send: async ({ id }) => {
      sent.push(id);
      await gate;
      const answer = answers.shift() ?? answerTo(id);
      if (answer !== null) throw answer;
    },
  });

const to = (receiver: string, id: string): Notification => ({ id, receiver, at: 0 }) as Notification;
const away = (): Error => new Error('connection refused');

test('a receiver gets its messages in order, the next one when the one before was accepted', async () => {
  const parts = delivery();
  let open = (): void => undefined;
  gate = new Promise((resolve) => {
    open = resolve;
  });
  for (const id of ['1', '2', '3']) parts.add(to('pager', id));
  await clock.advance(1_000);
  expect(sent).toEqual(['1']);
  open();
  await clock.advance(1);
  expect(outcomes).toEqual(['1 delivered', '2 delivered', '3 delivered']);
});

test('a receiver that does not respond gets the same message again, later and later; others do not wait', async () => {
  const parts = delivery();
  answers = [away(), away(), away()];
  parts.add(to('pager', '1'));
  await clock.advance(0);
  parts.add(to('pager', '2'));
  parts.add(to('mail', '3'));
  await clock.advance(500);
  expect(outcomes).toEqual([]);
  answers.shift();
  answers.push(away());
  await clock.advance(600);
  expect(sent.filter((id) => id !== '3')).toEqual(['1', '1']);
  await clock.advance(60_000);
  expect(outcomes.filter((line) => !line.startsWith('3'))).toEqual(['1 delivered', '2 delivered']);
});

test('what is refused is not sent again, and the next one follows', async () => {
  const parts = delivery();
  answers = [new CarillonError('NOTIFICATION_REFUSED', 'no such channel')];
  parts.add(to('pager', '1'));
  parts.add(to('pager', '2'));
  await clock.advance(1);
  expect(outcomes).toEqual(['1 failed: no such channel', '2 delivered']);
});

describe('a message that its receiver cannot bear', () => {
  const failsAt = (...bad: readonly string[]): Delivery => {
    answerTo = (id) => (bad.includes(id) ? away() : null);
    const parts = delivery();
    for (const id of ['1', '2', '3']) parts.add(to('pager', id));
    return parts;
  };

  test('is given up when the next one is accepted, and nothing is sent before its time', async () => {
    failsAt('1');
    await clock.advance(120_000);
    expect(new Set(sent)).toEqual(new Set(['1']));
    await clock.advance(600_000);
    expect(outcomes).toEqual([
      '2 delivered',
      '1 failed: connection refused The receiver accepted the next message.',
      '3 delivered',
    ]);
  });

  test('is not given up while the next one fails too', async () => {
    failsAt('1', '2');
    await clock.advance(3_600_000);
    expect(outcomes).toEqual([]);
    expect(sent).not.toContain('3');
    answerTo = () => null;
    await clock.advance(300_000);
    expect(outcomes).toEqual(['1 delivered', '2 delivered', '3 delivered']);
  });

  test('is not given up because the next one is refused', async () => {
    failsAt('1', '3');
    answerTo = (id) => (id === '2' ? new CarillonError('NOTIFICATION_REFUSED', 'no such channel') : away());
    await clock.advance(3_600_000);
    expect(outcomes).toEqual(['2 failed: no such channel']);
    answerTo = () => null;
    await clock.advance(300_000);
    expect(outcomes.slice(1)).toEqual(['1 delivered', '3 delivered']);
  });
});

test('after a day without an answer, a message is given up', async () => {
  const parts = delivery();
  answers = Array.from({ length: 1_000 }, away);
  parts.add(to('pager', '1'));
  await clock.advance(86_000_000);
  expect(outcomes).toEqual([]);
  await clock.advance(1_000_000);
  expect(outcomes).toEqual(['1 failed: connection refused']);
  // At most every five minutes, and not much less often.
  expect(sent.length).toBeGreaterThan(280);
  expect(sent.length).toBeLessThan(310);
});

test('what waited for a day behind another is tried once more', async () => {
  const parts = delivery();
  answers = Array.from({ length: 1_000 }, away);
  for (const id of ['1', '2', '3']) parts.add(to('pager', id));
  await clock.advance(87_000_000);
  expect(outcomes).toEqual(['1', '2', '3'].map((id) => `${id} failed: connection refused`));
});

test('a leader that may have been deposed sends nothing until it is certain', async () => {
  const parts = delivery();
  isFresh = false;
  parts.add(to('pager', '1'));
  await clock.advance(500);
  expect(sent).toEqual([]);
  isFresh = true;
  await clock.advance(5_000);
  expect(outcomes).toEqual(['1 delivered']);
});

test('a leader that has ended notes nothing, so the next one sends it again', async () => {
  const parts = delivery();
  let open = (): void => undefined;
  gate = new Promise((resolve) => {
    open = resolve;
  });
  parts.add(to('pager', '1'));
  parts.add(to('pager', '2'));
  await clock.advance(1);
  parts.stop();
  open();
  await clock.advance(600_000);
  expect(sent).toEqual(['1']);
  expect(outcomes).toEqual([]);
});

test('says how often it tried and why that failed, and tries at once when somebody asks for it', async () => {
  const parts = delivery();
  answers = [away(), away(), away()];
  parts.add(to('pager', '1'));
  parts.add(to('pager', '2'));
  await clock.advance(3_500);
  expect(parts.tried(to('pager', '1'))).toEqual({ tries: 3, error: 'connection refused' });
  expect(parts.tried(to('pager', '2'))).toEqual({ tries: 0, error: null });
  expect(outcomes).toEqual([]);
  parts.add(to('pager', '1'));
  await clock.advance(1);
  expect(outcomes).toEqual(['1 delivered', '2 delivered']);
  await clock.advance(60_000);
  expect(sent).toEqual(['1', '1', '1', '1', '2']);
});
