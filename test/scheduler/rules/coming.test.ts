/** What a job launches next, foreseen: it is the launch that is decided later, or it is given up. */

import { describe, expect, test } from 'vitest';
import { shellAbilities } from '../../../src/executor/process/abilities.ts';
import { comingLaunch } from '../../../src/scheduler/rules/coming.ts';
import { abilities } from '../../support/engines.ts';
import { Rig } from '../../support/rig.ts';

const engines = {
  docker: { concurrency: null, abilities: abilities.docker, tombstoneMs: 600_000 },
  process: { concurrency: null, abilities: abilities.process, tombstoneMs: 600_000 },
  swarm: { concurrency: null, abilities: abilities.swarm, tombstoneMs: 600_000 },
  shell: { concurrency: null, abilities: shellAbilities, tombstoneMs: 600_000 },
} as const;
const settings = { engines, pools: { etl: 2 } };
const at = '2026-01-01T00:00:00Z';
const instant = (text: string): number => Date.parse(text);

function rigWith(definition: object): Rig {
  const rig = new Rig(at, settings);
  rig.put({
    name: 'a',
    schedule: { cron: '0 * * * *' },
    run: { image: 'busybox', command: 'echo $A', env: { A: 'b' } },
    ...definition,
  } as never);
  return rig;
}

const foresee = (rig: Rig) => comingLaunch(rig.state, rig.state.entry('a'), rig.now);

test('the launch that is foreseen is the one that is decided at the instant', () => {
  const rig = rigWith({ policy: { warmStart: 'PT5S', priority: 7 }, labels: { team: 'x' } });
  const spec = foresee(rig)?.spec;
  rig.advance('2026-01-01T01:00:00Z');
  const launched = rig.effects.find((effect) => effect.kind === 'launch');
  expect(spec).toBeDefined();
  expect(launched?.spec).toEqual(spec);
});

describe('when something is made ready', () => {
  const due = '2026-01-01T01:00:00.000Z';
  test.each([
    ['not at all unless it is asked for', {}, null],
    ['created a while before', { prestage: 'PT10M' }, [['00:50:00', false]]],
    ['held a while before', { warmStart: 'PT5S' }, [['00:59:55', true]]],
    [
      'created, and held later',
      { prestage: 'PT10M', warmStart: 'PT5S' },
      [
        ['00:50:00', false],
        ['00:59:55', true],
      ],
    ],
    ['only held where that comes first', { prestage: 'PT5S', warmStart: 'PT10S' }, [['00:59:50', true]]],
  ])('%s', (_, policy, steps) => {
    const coming = foresee(rigWith({ policy }));
    expect(coming?.steps ?? null).toEqual(
      steps?.map(([time, warm]) => ({ at: instant(`2026-01-01T${time}Z`), warm })) ?? null,
    );
    if (steps !== null) expect(new Date(coming?.due ?? 0).toISOString()).toBe(due);
  });

  test('a process is held', () => {
    const coming = foresee(rigWith({ run: { command: 'true' }, policy: { warmStart: 'PT5S' } }));
    expect(coming?.steps).toEqual([{ at: instant('2026-01-01T00:59:55Z'), warm: true }]);
  });

  test('not while the job is paused, and again when it goes on', () => {
    const rig = rigWith({ policy: { warmStart: 'PT5S' } });
    rig.submit({ kind: 'pause', name: 'a', by: 'test' });
    expect(foresee(rig)).toBeNull();
    rig.submit({ kind: 'resume', name: 'a', by: 'test' });
    expect(foresee(rig)).not.toBeNull();
  });

  test('not without a further instant', () => {
    const rig = rigWith({ schedule: { at: '2026-01-01T00:30:00Z' }, policy: { warmStart: 'PT5S' } });
    rig.advance('2026-01-01T00:31:00Z');
    expect(foresee(rig)).toBeNull();
  });
});

describe('a process is held for half a second unasked', () => {
  const run = { command: 'true' };
  const justBefore = '2026-01-01T00:59:59.500Z';
  const isHeld = (definition: object, prepare: (rig: Rig) => void = () => {}): boolean => {
    const rig = rigWith({ run, ...definition });
    prepare(rig);
    rig.advance(justBefore);
    return foresee(rig) !== null;
  };

  test('and no longer', () => {
    const rig = rigWith({ run });
    rig.advance('2026-01-01T00:59:59.499Z');
    expect(foresee(rig)).toBeNull();
    rig.advance(justBefore);
    expect(foresee(rig)?.steps).toEqual([{ at: instant(justBefore), warm: true }]);
  });

  test.each<[string, boolean, object, ((rig: Rig) => void)?]>([
    ['but no container', false, { run: { image: 'busybox', command: 'true' } }],
    ['not under a shell', false, { run: { ...run, engine: 'shell' } }],
    ['not where its node is not known', false, { run: { ...run, on: 'any' } }],
    ['not while a run is in its way', false, {}, (rig) => rig.trigger('a')],
    ['even while one runs that is not', true, { policy: { overlap: 'allow' } }, (rig) => rig.trigger('a')],
    ['not while the job is paused', false, {}, (rig) => rig.submit({ kind: 'pause', name: 'a', by: 'test' })],
    ['with a free slot of its pool', true, { policy: { pool: 'etl' } }],
    [
      'not while its pool has none',
      false,
      { policy: { pool: 'etl' } },
      (rig) => {
        for (const name of ['b', 'c']) {
          rig.put({ name, run, policy: { pool: 'etl' } } as never);
          rig.trigger(name);
        }
      },
    ],
  ])('%s', (_, is, definition, prepare) => {
    expect(isHeld(definition, prepare)).toBe(is);
  });
});

test.each([
  [
    'without a schedule',
    { schedule: undefined, policy: { warmStart: 'PT5S' } },
    'INVALID_FIELD',
    'policy.warmStart',
  ],
  ['by hand only', { schedule: undefined, policy: { prestage: 'PT5S' } }, 'INVALID_FIELD', 'policy.prestage'],
  [
    'as a process under a shell',
    { run: { command: 'true', engine: 'shell' }, policy: { warmStart: 'PT5S' } },
    'UNSUPPORTED_BY_ENGINE',
    'policy.warmStart',
  ],
  [
    'as a service',
    { run: { image: 'x', network: 'bridge', engine: 'swarm' }, policy: { warmStart: 'PT5S' } },
    'UNSUPPORTED_BY_ENGINE',
    'policy.warmStart',
  ],
  [
    'as a process',
    { run: { command: 'true' }, policy: { prestage: 'PT5S' } },
    'UNSUPPORTED_BY_ENGINE',
    'policy.prestage',
  ],
  ['for an hour', { policy: { warmStart: 'PT1H' } }, 'INVALID_FIELD', 'policy.warmStart'],
  ['for no time', { policy: { warmStart: 'PT0S' } }, 'INVALID_FIELD', 'policy.warmStart'],
  ['for a week', { policy: { prestage: 'P7D' } }, 'INVALID_FIELD', 'policy.prestage'],
])(
  'a job that would be made ready %s is refused, with the field and the reason',
  (_, definition, code, field) => {
    const refused = (() => {
      try {
        rigWith(definition);
      } catch (error) {
        return error;
      }
      return null;
    })();
    expect(refused).toMatchObject({ code, details: { field } });
  },
);

test('the refusal says why its engine cannot, and which engines can', () => {
  expect(() => rigWith({ run: { command: 'true' }, policy: { prestage: 'PT5S' } })).toThrow(
    "policy.prestage cannot be used here: the engine 'process' does not support it: it runs processes on the " +
      "scheduler's host, and fetches no image for them.",
  );
});

test('a job behind others is refused too: when its parents end is not known', () => {
  const rig = rigWith({});
  expect(() =>
    rig.put({
      name: 'b',
      schedule: { after: { parents: ['a'] } },
      run: { image: 'x' },
      policy: { warmStart: 'PT5S' },
    }),
  ).toThrow(/the start time of the job is not known in advance/);
});
