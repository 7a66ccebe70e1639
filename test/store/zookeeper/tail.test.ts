/** Following the log: in whatever order notices and answers arrive, all that was committed is read. */

import { afterEach, expect, test } from 'vitest';
import { realClock } from '../../../src/node/clock.ts';
import type { Log } from '../../../src/scheduler/ports.ts';
import { encodeSegment } from '../../../src/store/segment.ts';
import { Tail } from '../../../src/store/zookeeper/tail.ts';
import { createZooKeeperSession, type ZooKeeperSession } from '../../../src/store/zookeeper/wire/session.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { until } from '../../support/until.ts';
import {
  manyWith,
  nodeWith,
  notice,
  reply,
  requestType,
  type ScriptedRequest,
  ScriptedZooKeeper,
} from '../../support/zookeeper-script.ts';

const { exists, read, readMany } = requestType;
const noNode = -101;
const unreadable = 17;
const headChanged = notice(3, '/head');

const releases: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

/** A server with a log, and how it answers reads of the head. */
class ScriptedLog {
  head = 1;
  /** Segments that were sent. */
  sent = 0;
  /** Reads of the head so far. */
  looks = 0;
  #toldHead = 0;
  answerHead: (xid: number) => Buffer = (xid) => this.headNow(xid);
  readonly server = new ScriptedZooKeeper(4_000, (request, socket) => socket.write(this.#answer(request)));

  headNow(xid: number): Buffer {
    this.#toldHead = this.head;
    return reply(xid, 0, nodeWith(String(this.head)));
  }

  tell(): void {
    for (const socket of this.server.sockets) socket.write(headChanged);
  }

  #answer({ xid, type, path }: ScriptedRequest): Buffer {
    if (type === exists) return reply(xid, 0, Buffer.alloc(68));
    if (type === readMany) return reply(xid, 0, manyWith(this.#segments()));
    if (type !== read) return reply(xid);
    if (path === '/checkpoint') return reply(xid, noNode);
    if (path !== '/head') return reply(xid, 0, nodeWith(''));
    this.looks += 1;
    return this.answerHead(xid);
  }

  /** All that the newest answer told of. */
  #segments(): Buffer[] {
    const segments: Buffer[] = [];
    while (this.sent < this.#toldHead) {
      this.sent += 1;
      segments.push(encodeSegment({ term: 1, seq: this.sent, checkpoint: 0, writes: [] }));
    }
    return segments;
  }
}

interface Following {
  readonly log: ScriptedLog;
  readonly session: ZooKeeperSession;
  readonly tail: Tail;
  readonly clock: SimClock;
  readonly errors: string[];
}

/** A node that has read all there is. Its own timers move only with `clock`. */
async function following(): Promise<Following> {
  const log = new ScriptedLog();
  await log.server.start();
  releases.push(() => log.server.stop());
  const errors: string[] = [];
  const nodeLog: Log = { info() {}, warn() {}, error: (_, event) => void errors.push(event), debug() {} };
  const session = createZooKeeperSession({
    hosts: log.server.connect,
    sessionTimeoutMs: 4_000,
    auth: null,
    clock: realClock,
    log: nodeLog,
  });
  await session.start();
  releases.push(() => session.close());
  const clock = new SimClock(0);
  const tail = new Tail({ session, clock, log: nodeLog });
  await tail.start();
  releases.push(() => tail.stop());
  expect(tail.seq).toBe(1);
  return { log, session, tail, clock, errors };
}

const lagOf = (tail: Tail): number | null =>
  tail.watch({ onWrites: () => undefined, onGap: () => undefined }).lagMs();

/** What one packet holds when a change comes while the head is read. */
const packets: readonly [string, (log: ScriptedLog, xid: number) => Buffer[]][] = [
  ['the notice together with the answer that armed its watch', (log, xid) => [log.headNow(xid), headChanged]],
  ['the notice before the answer, which is older', (log, xid) => [headChanged, log.headNow(xid)]],
  [
    'the notice of an older watch, the answer, and the notice of its own',
    (log, xid) => [headChanged, log.headNow(xid), headChanged],
  ],
];

test.each(packets)('%s: the change is read', async (_, packet) => {
  const { log, tail, errors } = await following();
  let changes = 0;
  log.answerHead = (xid) => {
    // The last read before the reading ends, which is the one whose answer tells of nothing new.
    if (log.head > log.sent || changes === 3) return log.headNow(xid);
    changes += 1;
    const bytes = Buffer.concat(packet(log, xid));
    log.head += 1;
    return bytes;
  };
  log.head += 1;
  log.tell();
  await until('all of it is read', () => tail.seq === 5);
  await until('nothing is under way', () => lagOf(tail) === 0);
  expect(errors).toEqual([]);
});

test('what is read may have been on its way for a session before the head last showed nothing new', async () => {
  const { log, tail, clock, session } = await following();
  const ages: number[] = [];
  tail.watch({ onWrites: (_, maxAgeMs) => void ages.push(maxAgeMs), onGap: () => undefined });
  await clock.advance(3_000);
  log.head += 1;
  log.tell();
  await until('it is read', () => tail.seq === 2);
  log.head += 1;
  log.tell();
  await until('the next is read', () => tail.seq === 3);
  expect(ages).toEqual([3_000 + session.timeoutMs, session.timeoutMs]);
});

test('a read that failed for somebody who waited has armed no watch: the change is read all the same', async () => {
  const { log, tail, clock } = await following();
  log.answerHead = (xid) => reply(xid, unreadable);
  const { caughtUp } = tail.watch({ onWrites: () => undefined, onGap: () => undefined });
  await expect(caughtUp()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  log.answerHead = (xid) => log.headNow(xid);
  log.head += 1;
  await clock.advance(1_000);
  await until('it is read', () => tail.seq === 2);
});

test('a head that cannot be read makes the copy older, until it can', async () => {
  const { log, tail, clock } = await following();
  log.answerHead = (xid) => reply(xid, unreadable);
  log.head += 1;
  log.tell();
  await until('it is tried', () => log.looks > 2);
  await clock.settle();
  await clock.advance(4_000);
  expect(lagOf(tail)).toBeGreaterThanOrEqual(4_000);
  log.answerHead = (xid) => log.headNow(xid);
  await until('it is read', async () => {
    await clock.advance(500);
    return tail.seq === 2;
  });
  await until('nothing is under way', () => lagOf(tail) === 0);
});

test('a change that nobody told of is found, said, and read', async () => {
  const { log, tail, clock, errors } = await following();
  const lags: (number | null)[] = [];
  log.answerHead = (xid) => {
    lags.push(lagOf(tail));
    return log.headNow(xid);
  };
  log.head += 1;
  await until('it is read', async () => {
    await clock.advance(1_000);
    return tail.seq === 2;
  });
  expect(errors).toEqual(['store.change-missed']);
  // Compared first; then read as what it is: as old as the last time that all was here.
  expect(lags[1]).toBeGreaterThanOrEqual(5_000);
});

test('comparing costs one read in five seconds, and none while this node writes itself', async () => {
  const { log, tail, clock, errors } = await following();
  const before = log.looks;
  for (let i = 1; i <= 6; i++) {
    await clock.advance(5_000);
    await until('compared', () => log.looks === before + i);
  }
  expect(log.looks).toBe(before + 6);
  for (let seq = 2; seq <= 20; seq++) {
    log.head = seq;
    log.sent = seq;
    log.tell();
    tail.own(seq, []);
    await clock.advance(900);
  }
  expect(log.looks).toBeLessThanOrEqual(before + 8);
  expect([tail.seq, errors]).toEqual([20, []]);
});
