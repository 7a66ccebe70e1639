/** What the agent of a host says is not trusted: whatever it is, it harms only this host. */

import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Agent } from '../../../src/executor/ssh/agent.ts';
import type { ServedLaunch } from '../../../src/executor/supervisor/starts.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { until } from '../../support/until.ts';

const launch: ServedLaunch = {
  ...{ name: 'a-launch', id: 'id', file: Buffer.alloc(0), cwd: '/', ownFolder: false, owner: null },
  ...{ cgroup: null, limitGroups: [], firstBytes: 1, partBytes: 1, argv: ['true'], env: {}, input: null },
  ...{ masks: [], systemLimits: [], overtime: null },
};

function headOf(...words: [kind: number, slot: number, value: number]): Buffer {
  const head = Buffer.alloc(12);
  for (const [at, word] of words.entries()) head.writeUInt32LE(word, 4 * at);
  return head;
}

/** An agent whose host says what the test wants. */
function agentOf() {
  const clock = new SimClock(0);
  const out = new PassThrough();
  const from = new PassThrough();
  const cuts: string[] = [];
  const agent = new Agent(out, clock, (why) => {
    cuts.push(why);
    agent.end(Object.assign(new Error(why), { code: 'ENGINE_UNAVAILABLE' }) as never);
  });
  agent.read(from);
  const say = (kind: number, slot: number, value: number, bytes = Buffer.alloc(0)): void => {
    from.write(Buffer.concat([headOf(kind, slot, value), bytes]));
  };
  /** The slot of the next request. */
  const asked = async (): Promise<number> =>
    (await until('a request', () => out.read() as Buffer | null, 2_000)).readUInt32LE(8);
  return { agent, clock, cuts, say, asked };
}
const prepared = 1;
const failed = 3;
const data = 7;
const handled = 8;
const changed = 9;

test.each([
  ['garbage', 99, 0, 0],
  ['a reply of impossible length', data, 0, 5_000],
])('%s ends the connection', async (_, kind, slot, value) => {
  const { say, cuts } = agentOf();
  say(kind, slot, value);
  await until('it is cut', () => cuts.length > 0);
  expect(cuts).toEqual(['what it says is not understood']);
});

test.each([0, 4_294_967_295, 28])(
  'the failure %d of a launch is only a failure of this launch',
  async (error) => {
    const { agent, say, asked, cuts } = agentOf();
    const launched = agent.prepare(launch);
    say(failed, await asked(), error);
    await expect(launched).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    expect(cuts).toEqual([]);
  },
);

test('a host that does not answer a launch is cut off', async () => {
  const { agent, clock, asked, cuts } = agentOf();
  const launched = agent.prepare(launch);
  const refused = expect(launched).rejects.toThrow('it does not answer');
  await asked();
  await clock.advance(15_000);
  await refused;
  expect(cuts).toEqual(['it does not answer']);
});

test('a job that does not start at its gate fails, and its host is not cut off', async () => {
  const { agent, clock, say, asked, cuts } = agentOf();
  const launched = agent.prepare(launch);
  say(prepared, await asked(), 77);
  const started = (await launched)?.open().started;
  const unknown = expect(started).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  await clock.advance(15_000);
  await unknown;
  expect(cuts).toEqual([]);
});

test.each([
  ['a ping', (agent: Agent) => agent.ping()],
  ['the size of a file', (agent: Agent) => agent.size('launches/a')],
  ['a part of a file', (agent: Agent) => agent.readPart('launches/a', 0, 10_000)],
  ['one launch', (agent: Agent) => agent.head('a')],
  ['an order', (agent: Agent) => agent.kill('a', 0)],
])('an answer to %s without an end is cut off', async (_, ask) => {
  const { agent, say, asked, cuts } = agentOf();
  const answer = ask(agent);
  const refused = expect(answer).rejects.toThrow('its answer is too long');
  const slot = await asked();
  for (let piece = 0; piece < 300; piece++) say(data, slot, 4_000, Buffer.alloc(4_000));
  await refused;
  expect(cuts[0]).toBe('its answer is too long');
});

test('empty pieces of a list end too', async () => {
  const { agent, say, asked, cuts } = agentOf();
  const refused = expect(agent.launches()).rejects.toThrow('its answer is too long');
  const slot = await asked();
  say(data, slot, 0, Buffer.concat(Array.from({ length: 300_000 }, () => headOf(data, slot, 0))));
  await refused;
  expect(cuts[0]).toBe('its answer is too long');
});

test('answers of the expected size are read', async () => {
  const { agent, say, asked } = agentOf();
  const part = agent.readPart('launches/a', 0, 4_000);
  const slot = await asked();
  say(data, slot, 4_000, Buffer.alloc(4_000, 'x'));
  say(handled, slot, 0);
  expect((await part)?.toString()).toBe('x'.repeat(4_000));
});

test('a host that says too much unasked is cut off', async () => {
  const { agent, say, cuts } = agentOf();
  let heard = 0;
  agent.onChanged(() => {
    heard += 1;
  });
  say(changed, 0, 0, Buffer.concat(Array.from({ length: 200_000 }, () => headOf(changed, 0, 0))));
  await until('it is cut', () => cuts.length > 0);
  expect(cuts[0]).toBe('it says too much');
  expect(heard).toBe(100_000);
});

test('a host may repeat that a launch is prepared', async () => {
  const { agent, say, asked, cuts } = agentOf();
  const launched = agent.prepare(launch);
  const slot = await asked();
  say(prepared, slot, 1);
  const exited = (await launched)?.exited;
  say(prepared, slot, 2);
  say(6, 2, 5);
  say(6, 1, 9);
  expect(await exited).toBe(9);
  expect(cuts).toEqual([]);
});
