import { expect, test } from 'vitest';
import type { Command, NotedLine } from '../../src/scheduler/command.ts';
import type { SchedulerHandle } from '../../src/scheduler/handle.ts';
import { submitTold, type Told } from '../../src/scheduler/told.ts';

async function submitted(told: Partial<Told>): Promise<readonly Command[]> {
  const commands: Command[] = [];
  const submit = (async (command: Command) => void commands.push(command)) as SchedulerHandle['submit'];
  await submitTold({ submit }, { lines: [], uses: [], ends: [], ...told }, 'node-2');
  return commands;
}

const line: NotedLine = {
  ...{ at: 1, by: { kind: 'person', name: 'ann' }, from: '10.0.0.1', via: null, action: 'log-in', on: null },
  ...{ outcome: 'done', code: null, reason: null, before: null, after: null },
};
const use = { id: 'a1b2c3d4e5f6', at: 1, from: '10.0.0.1' };

test('ends of sessions are submitted first, each by its person, and the rest by the node', async () => {
  const ends = [
    { id: 'one', by: 'ann' },
    { id: 'two', by: 'bob' },
  ];
  expect(await submitted({ lines: [line], uses: [use], ends })).toEqual([
    { kind: 'end-sessions', id: 'one', by: 'ann' },
    { kind: 'end-sessions', id: 'two', by: 'bob' },
    { kind: 'note', lines: [line], by: 'node-2' },
    { kind: 'note-use', uses: [use], by: 'node-2' },
  ]);
});

test('nothing is submitted for what was not told', async () => {
  expect(await submitted({})).toEqual([]);
  expect(await submitted({ uses: [use] })).toHaveLength(1);
});
