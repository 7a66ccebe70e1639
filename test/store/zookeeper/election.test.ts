/** Election over ZooKeeper: a change that is told while the candidacies are being read is not missed. */

import { afterEach, expect, test } from 'vitest';
import { realClock } from '../../../src/node/clock.ts';
import type { Election, Log } from '../../../src/scheduler/ports.ts';
import { createZooKeeperElection } from '../../../src/store/zookeeper/election.ts';
import { createZooKeeperSession } from '../../../src/store/zookeeper/wire/session.ts';
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

const { create, read, children, multi, readMany } = requestType;
const candidacyGone = notice(4, '/election');
const termBegun = notice(3, '/epoch');
const [before, own] = ['n_0000000000', 'n_0000000001'];

const silent = (): void => undefined;
const log: Log = { info: silent, warn: silent, error: silent, debug: silent };
const member = (id: string) => ({ id, url: 'http://127.0.0.1:1', host: id, pid: 1, version: 'test' });
const candidate = (name: string): Buffer =>
  Buffer.from(JSON.stringify({ ...member(name === own ? 'us' : 'other'), alive: null }));

const releases: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

/** A server with one candidacy before ours, and what happens right after an answer of each kind, in its packet. */
class ScriptedElection {
  standing = [before];
  term = 0;
  asked: readonly string[] = [];
  after: (what: 'epoch' | 'names' | 'candidates') => Buffer = () => Buffer.alloc(0);
  readonly server = new ScriptedZooKeeper(4_000, (request, socket) => socket.write(this.#answer(request)));

  /** The one before ours goes, and whoever watches is told. */
  leave(): Buffer {
    this.standing = [own];
    return candidacyGone;
  }

  #answer({ xid, type, path }: ScriptedRequest): Buffer {
    if (type === create) {
      this.standing = [before, own];
      return reply(xid, 0, textOf(`/election/${own}`));
    }
    if (type === children) {
      this.asked = this.standing;
      const names = Buffer.concat([countOf(this.asked.length), ...this.asked.map(textOf), Buffer.alloc(68)]);
      return Buffer.concat([reply(xid, 0, names), this.after('names')]);
    }
    if (type === readMany) {
      const nodes = this.asked.map((name) => (this.standing.includes(name) ? candidate(name) : null));
      return Buffer.concat([reply(xid, 0, manyWith(nodes)), this.after('candidates')]);
    }
    if (type === multi) {
      this.term += 1;
      return reply(xid, 0, manyWith([]));
    }
    if (type !== read) return reply(xid, 0, Buffer.alloc(68));
    if (path !== '/epoch') return reply(xid, 0, nodeWith(candidate(before)));
    return Buffer.concat([reply(xid, 0, nodeWith('', this.term)), this.after('epoch')]);
  }
}

function countOf(count: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(count);
  return bytes;
}

const textOf = (text: string): Buffer => Buffer.concat([countOf(text.length), Buffer.from(text)]);

async function standing(script: ScriptedElection): Promise<Election> {
  await script.server.start();
  releases.push(() => script.server.stop());
  const session = createZooKeeperSession({
    hosts: script.server.connect,
    sessionTimeoutMs: 4_000,
    auth: null,
    clock: realClock,
    log,
  });
  await session.start();
  releases.push(() => session.close());
  return createZooKeeperElection({ session, self: member('us'), host: '127.0.0.1', clock: realClock, log });
}

test.each([
  ['the names, which armed the watch', 'names'],
  ['the candidates, the last that a look reads', 'candidates'],
] as const)('the candidacy before ours goes, told in one packet with %s: we lead', async (_, moment) => {
  const script = new ScriptedElection();
  const election = await standing(script);
  const terms: number[] = [];
  election.onElected((term) => terms.push(term));
  script.after = (what) =>
    what === moment && script.standing.length === 2 ? script.leave() : Buffer.alloc(0);
  await election.start();
  releases.push(() => election.stop());
  await until('we lead', () => terms.length > 0);
  expect(terms).toEqual([1]);
  expect(election.members().map(({ id }) => id)).toEqual(['us']);
});

test('a newer term, told in one packet with the answer that armed the watch of the older: we are deposed', async () => {
  const script = new ScriptedElection();
  const election = await standing(script);
  const terms: number[] = [];
  const reasons: string[] = [];
  election.onElected((term) => terms.push(term));
  election.onDeposed((reason) => reasons.push(reason));
  script.after = (what) =>
    what === 'candidates' && script.standing.length === 2 ? script.leave() : Buffer.alloc(0);
  await election.start();
  releases.push(() => election.stop());
  await until('we lead', () => terms.length > 0);
  let told = false;
  script.after = (what) => {
    if (what !== 'epoch' || told) return Buffer.alloc(0);
    told = true;
    script.term = 2;
    return termBegun;
  };
  for (const socket of script.server.sockets) socket.write(termBegun);
  await until('we are deposed', () => reasons.length > 0);
  expect(reasons).toEqual(['term 2 has begun']);
});
