/** On which hosts of an engine runs are placed: hosts are told as nodes, and this node is none of them. */

import { describe, expect, test } from 'vitest';
import type { OtherNode, Settings } from '../../../src/scheduler/model/model.ts';
import { abilities } from '../../support/engines.ts';
import { Rig } from '../../support/rig.ts';

const settings: Settings = {
  engines: {
    process: { concurrency: 2, abilities: abilities.process, tombstoneMs: 60_000 },
    ssh: { concurrency: null, onHosts: true, abilities: abilities.ssh, tombstoneMs: 60_000 },
  },
  labels: { zone: 'a', host: 'here' },
  pools: {},
};
const host = (id: string, zone: string, slots = 1): OtherNode => ({
  id,
  labels: { host: id, zone },
  capacity: { ssh: slots },
});
const all: OtherNode = { id: 'all', labels: { host: 'all' }, capacity: { ssh: 1_000 }, isAll: true };

function rigWith(...nodes: OtherNode[]): Rig {
  const rig = new Rig('2026-01-01T00:00:00Z', settings);
  rig.event({ kind: 'nodes', now: rig.now, nodes });
  return rig;
}
let sequence = 0;
function place(rig: Rig, where: { on?: string; host?: string }) {
  const name = `job-${++sequence}`;
  rig.put({ name, run: { engine: 'ssh', command: 'x', ...where } });
  rig.trigger(name);
  const run = rig.runOf(name);
  return run?.attempts.at(-1)?.host ?? run?.reason;
}

describe('a run of an engine with hosts', () => {
  test.each([
    [{}, 'one'],
    [{ on: 'any' }, 'one'],
    [{ on: 'zone==b' }, 'two'],
    [{ on: 'host!=one' }, 'two'],
    [{ host: 'two' }, 'two'],
    [{ on: 'all' }, 'all'],
    [{ on: 'all,zone==b' }, 'all'],
  ])('with %j is placed on %s', (where, expected) => {
    const rig = rigWith(host('one', 'a', 9), host('two', 'b'), all);
    // The least loaded one, if both may run it.
    if (expected === 'one') place(rig, { host: 'two' });
    expect(place(rig, where)).toBe(expected);
  });

  test('is never on this node, whose labels would fit', () => {
    expect(place(rigWith(), { host: 'here' })).toEqual({
      code: 'no-capacity',
      text: 'no node that responds has host==here',
    });
  });

  test('without any host waits, with the reason', () => {
    expect(place(rigWith(), {})).toEqual({ code: 'no-capacity', text: 'the engine ssh has no hosts' });
  });

  test('waits for a host that does not respond, and says why', () => {
    const away = { ...host('one', 'a'), capacity: {}, silent: { ssh: 'Host key verification failed.' } };
    const rig = rigWith(away, host('two', 'b'));
    expect(place(rig, { on: 'zone==a' })).toEqual({
      code: 'no-capacity',
      text: 'nothing on which the job may run responds: one: Host key verification failed.',
    });
    const [queued] = [...rig.state.runs.values()];
    rig.event({ kind: 'nodes', now: rig.now, nodes: [host('one', 'a'), host('two', 'b')] });
    expect(queued && rig.state.runs.get(queued.id)).toMatchObject({
      state: 'launching',
      attempts: [{ host: 'one' }],
    });
  });

  test('waits for a slot of the host', () => {
    const rig = rigWith(host('one', 'a', 1));
    expect(place(rig, {})).toBe('one');
    expect(place(rig, {})).toMatchObject({ code: 'limit-reached', limit: 'engine', name: 'ssh' });
  });

  test('on all hosts takes no slot of any of them, and tells the engine which it means', () => {
    const rig = rigWith(host('one', 'a', 1), all);
    expect(place(rig, { on: 'all,zone!=c' })).toBe('all');
    expect(rig.effects).toContainEqual(
      expect.objectContaining({
        kind: 'launch',
        host: 'all',
        spec: expect.objectContaining({ everywhere: { on: 'all,zone!=c' } }),
      }),
    );
    expect(place(rig, {})).toBe('one');
  });
});
