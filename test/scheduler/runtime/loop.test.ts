import { describe, expect, test } from 'vitest';
import { CarillonError, InvariantError } from '../../../src/errors.ts';
import type { Command } from '../../../src/scheduler/command.ts';
import type { Store } from '../../../src/scheduler/ports.ts';
import type { WriteGroup } from '../../../src/scheduler/records/table.ts';
import { Loop } from '../../../src/scheduler/runtime/loop.ts';
import { State } from '../../../src/scheduler/state/state.ts';
import { testSettings } from '../../support/rig.ts';
import { SimClock } from '../../support/sim-clock.ts';

interface Commit {
  readonly groups: readonly WriteGroup[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A store whose commits end when the test says so. */
function heldStore(inFlight = 1, maxWrites = 1_000): { store: Store; commits: Commit[] } {
  const commits: Commit[] = [];
  const store = {
    limits: { maxWrites, inFlight },
    commit: (_term: number, groups: readonly WriteGroup[]) =>
      new Promise<void>((resolve, reject) => commits.push({ groups, resolve, reject })),
  };
  return { store: store as unknown as Store, commits };
}

interface RigOptions {
  readonly inFlight?: number;
  readonly maxWrites?: number;
  readonly isFresh?: () => boolean;
  /** Time that deciding takes. */
  readonly tookMs?: () => number;
}

function rig({ inFlight, maxWrites, isFresh = () => true, tookMs = () => 0 }: RigOptions = {}) {
  const clock = new SimClock(Date.parse('2026-01-01T00:00:00Z'));
  const { store, commits } = heldStore(inFlight, maxWrites);
  const seen: string[] = [];
  const broken: unknown[] = [];
  const state = new State(testSettings, 'test');
  const loop = new Loop({
    state,
    term: 1,
    store,
    clock: {
      now: () => clock.now() + tookMs(),
      monotonicMs: () => clock.monotonicMs() + tookMs(),
      after: (delayMs, callback) => clock.after(delayMs, callback),
    },
    isFresh,
    onEffects: (effects) => seen.push(...effects.map((effect) => effect.kind)),
    onNotices: (notices) =>
      seen.push(...notices.map((notice) => (notice.kind === 'run' ? notice.run.state : notice.kind))),
    onDecided: () => undefined,
    onBroken: (error) => broken.push(error),
  });
  loop.post({ kind: 'leading', now: clock.now(), term: 1, clockAhead: { leastMs: 0, mostMs: 0 } });
  const put = (name: string): Promise<unknown> =>
    loop.submit({
      kind: 'put-job',
      definition: { name, run: { command: 'true' } },
      mode: 'create',
      by: 'test',
      source: 'test',
    });
  const trigger = (name: string): Promise<unknown> =>
    loop.submit({ kind: 'trigger', name, triggerId: 'abcd', params: {}, by: 'test' });
  return { clock, commits, seen, broken, loop, state, put, trigger };
}

describe('the loop', () => {
  test('answers nothing from memory while another may lead', async () => {
    let fresh = true;
    const { clock, commits, broken, loop, put } = rig({ isFresh: () => fresh });
    const pause = () => loop.submit({ kind: 'resume', name: 'a', by: 'test' });
    void put('a');
    await clock.settle();
    commits[0]?.resolve();
    await expect(Promise.race([pause(), clock.settle().then(() => 'late')])).resolves.not.toBe('late');
    fresh = false;
    const refused = expect(pause()).rejects.toMatchObject({ code: 'NOT_LEADING' });
    loop.post({ kind: 'tick', now: clock.now() });
    await clock.settle();
    await refused;
    expect(broken).toEqual([]);
  });

  test('answers nothing from memory before what it was decided after is durable', async () => {
    const { clock, commits, loop, put } = rig();
    const answers: string[] = [];
    void put('a').then(() => answers.push('put'));
    void loop.submit({ kind: 'resume', name: 'a', by: 'test' }).then(() => answers.push('resume'));
    await clock.settle();
    expect(answers).toEqual([]);
    commits[0]?.resolve();
    await clock.settle();
    expect(answers).toEqual(['put', 'resume']);
  });

  test('answers nothing from memory because an older commit has come through', async () => {
    let fresh = true;
    const { clock, commits, loop, put } = rig({ isFresh: () => fresh });
    void put('a');
    await clock.settle();
    // Decided behind a commit that is under way, whose answer says nothing of what happened since.
    const resumed = loop.submit({ kind: 'resume', name: 'a', by: 'test' });
    const refused = expect(resumed).rejects.toMatchObject({ code: 'NOT_LEADING' });
    await clock.settle();
    fresh = false;
    commits[0]?.resolve();
    await clock.settle();
    await refused;
    // There was nothing to write.
    expect(commits).toHaveLength(1);
  });

  test('starts no effect and gives no answer before the commit is durable', async () => {
    const { clock, commits, seen, put, trigger } = rig();
    const answers: string[] = [];
    void put('a').then(() => answers.push('put'));
    void trigger('a').then(() => answers.push('trigger'));
    await clock.settle();
    expect(commits).toHaveLength(1);
    expect({ seen, answers }).toEqual({ seen: [], answers: [] });
    commits[0]?.resolve();
    await clock.settle();
    expect(seen).toEqual(['job', 'launching', 'launch']);
    expect(answers).toEqual(['put', 'trigger']);
  });

  test('groups what is decided while a commit is under way into the next one', async () => {
    const { clock, commits, put } = rig();
    void put('a');
    await clock.settle();
    for (const name of ['b', 'c', 'd']) void put(name);
    await clock.settle();
    expect(commits).toHaveLength(1);
    commits[0]?.resolve();
    await clock.settle();
    expect(commits[1]?.groups).toHaveLength(3);
  });

  test('never splits a group, and packs whole groups up to the bound of the store', async () => {
    // A job and its line of the audit are one group.
    const { clock, commits, put } = rig({ maxWrites: 4 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) void put(name);
    for (let i = 0; i < 3; i++) {
      await clock.settle();
      commits[i]?.resolve();
    }
    expect(commits.map((commit) => commit.groups.length)).toEqual([2, 2, 1]);
  });

  test('commits a group that is larger than the bound of the store alone', async () => {
    const { clock, commits, loop, put, trigger, state } = rig({ maxWrites: 1 });
    for (const answer of [put('a'), trigger('a')]) void answer;
    await clock.settle();
    const [run] = state.runs.values();
    const launchName = run?.attempts[0]?.launchName ?? '';
    const observation = { kind: 'ended', launchName, at: clock.now(), exitCode: 0 } as const;
    loop.post({ kind: 'observed', now: clock.now(), observation });
    void put('b');
    for (let i = 0; i < 4; i++) {
      await clock.settle();
      commits[i]?.resolve();
    }
    const sizes = commits.map(({ groups }) => groups.map((group) => group.length));
    expect(sizes).toEqual([[2], [2], [expect.any(Number)], [2]]);
    expect(sizes[2]?.[0]).toBeGreaterThan(1);
  });

  test('answers a decision of several groups once all of them are durable', async () => {
    const { clock, commits, loop, seen } = rig({ maxWrites: 1 });
    const definitions = ['a', 'b', 'c'].map((name) => ({
      definition: { name, run: { command: 'true' } },
      source: 'test',
    }));
    let isApplied = false;
    void loop
      .submit({ kind: 'apply', definitions, prune: null, dryRun: false, by: 'test' })
      .then(() => (isApplied = true));
    for (let i = 0; i < 3; i++) {
      await clock.settle();
      expect([commits.length, isApplied, seen]).toEqual([i + 1, false, []]);
      commits[i]?.resolve();
    }
    await clock.settle();
    expect([isApplied, seen]).toEqual([true, ['job', 'job', 'job']]);
  });

  test('lets go in order although a later commit is durable first', async () => {
    const { clock, commits, put } = rig({ inFlight: 2, maxWrites: 1 });
    const answers: string[] = [];
    for (const name of ['a', 'b']) void put(name).then(() => answers.push(name));
    await clock.settle();
    commits[1]?.resolve();
    await clock.settle();
    expect(answers).toEqual([]);
    commits[0]?.resolve();
    await clock.settle();
    expect(answers).toEqual(['a', 'b']);
  });

  test('commits each decision as it was made, whatever was decided behind it meanwhile', async () => {
    const { clock, commits, put, loop } = rig();
    void put('a');
    await clock.settle();
    for (const kind of ['pause', 'resume'] as const) void loop.submit({ kind, name: 'a', by: 'test' });
    await clock.settle();
    commits[0]?.resolve();
    await clock.settle();
    const paused = commits[1]?.groups
      .flat()
      .flatMap((write) => (write.kind === 'state' ? [write.value.paused !== null] : []));
    expect(paused).toEqual([true, false]);
  });

  test('a refused commit ends it: every waiting answer is refused and nothing is started', async () => {
    const { clock, commits, seen, broken, put, trigger } = rig();
    const refusals = [put('a'), trigger('a')].map((answer) =>
      answer.catch((error: CarillonError) => error.code),
    );
    await clock.settle();
    const late = put('b').catch((error: CarillonError) => error.code);
    commits[0]?.reject(new CarillonError('NOT_LEADING', 'a newer term'));
    await clock.settle();
    expect(await Promise.all([...refusals, late])).toEqual(['NOT_LEADING', 'NOT_LEADING', 'NOT_LEADING']);
    expect(seen).toEqual([]);
    expect(broken).toHaveLength(1);
    await expect(put('c')).rejects.toMatchObject({ code: 'NOT_LEADING' });
  });

  test('a refused command changes nothing and does not end it', async () => {
    const { clock, commits, broken, put, state } = rig();
    const bad = put('not a name').catch((error: CarillonError) => error.code);
    await clock.settle();
    expect(await bad).toBe('INVALID_FIELD');
    expect(broken).toEqual([]);
    expect(state.jobs.size).toBe(0);
    void put('fine');
    await clock.settle();
    expect(commits).toHaveLength(1);
  });

  test.each([
    ['TypeError', new TypeError("Cannot read properties of null (reading 'a')")],
    ['RangeError', new RangeError('Maximum call stack size exceeded')],
    ['InvariantError', new InvariantError('a refused definition has a problem')],
  ])('a %s while a command is checked rejects that command alone', async (_, thrown) => {
    const { clock, commits, broken, loop, state, put } = rig();
    const definition = {
      name: 'bad',
      get run(): never {
        throw thrown;
      },
    };
    const commands: Command[] = [
      { kind: 'put-job', definition, mode: 'create', by: 'test', source: 'test' },
      {
        kind: 'apply',
        definitions: [
          { definition: { name: 'good', run: { command: 'true' } }, source: 'test' },
          { definition, source: 'test' },
        ],
        prune: null,
        dryRun: false,
        by: 'test',
      },
    ];
    const rejected = commands.map((command) => expect(loop.submit(command)).rejects.toBe(thrown));
    await clock.settle();
    await Promise.all(rejected);
    expect({ broken, jobs: state.jobs.size, commits: commits.length }).toEqual({
      broken: [],
      jobs: 0,
      commits: 0,
    });
    const next = put('fine');
    await clock.settle();
    commits[0]?.resolve();
    await expect(next).resolves.toMatchObject({ outcome: 'created' });
  });

  test('takes other commands while it judges many jobs, and decides about them as they are then', async () => {
    const { clock, commits, loop, put, state } = rig();
    const job = (i: number) => ({ name: `job-${i}`, run: { command: 'true' } });
    const definitions = Array.from({ length: 200 }, (_, i) => ({ definition: job(i), source: 'test' }));
    const apply = () =>
      loop.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by: 'test' } as const);
    const read = definitions[150]?.definition as object;
    // While this one is judged, behind the first 150, another creates it.
    let created: Promise<unknown> | null = null;
    Object.defineProperty(read, 'description', {
      enumerable: true,
      get: () => {
        created ??= put('job-3');
        return 'x';
      },
    });
    const applied = apply();
    for (let i = 0; i < 20; i++) {
      await clock.settle();
      for (const commit of commits) commit.resolve();
    }
    await expect(created).resolves.toMatchObject({ outcome: 'created' });
    const results = await applied;
    expect(results[3]).toMatchObject({ name: 'job-3', outcome: 'unchanged', revision: 1 });
    expect(results.filter(({ outcome }) => outcome === 'created')).toHaveLength(199);
    expect(state.jobs.size).toBe(200);
  });

  test('a throw while a checked command changes the state ends it with that error', async () => {
    const { clock, broken, loop, state } = rig();
    const thrown = new TypeError('the state cannot be changed');
    state.putJob = () => {
      throw thrown;
    };
    const put = loop.submit({
      kind: 'put-job',
      definition: { name: 'a', run: { command: 'true' } },
      mode: 'create',
      by: 'test',
      source: 'test',
    });
    const rejected = expect(put).rejects.toBe(thrown);
    await clock.settle();
    await rejected;
    expect(broken).toEqual([thrown]);
  });

  test('decides nothing more of a state whose change has failed', async () => {
    const { clock, commits, state, put } = rig();
    await clock.settle();
    const putJob = state.putJob.bind(state);
    state.putJob = () => {
      state.putJob = putJob;
      throw new TypeError('the state cannot be changed');
    };
    const codes = ['a', 'b'].map((name) => put(name).catch((error: CarillonError) => error.code));
    await clock.settle();
    expect(await Promise.all(codes)).toEqual([undefined, 'NOT_LEADING']);
    expect([state.jobs.size, commits.length]).toEqual([0, 0]);
  });

  test('a broken invariant ends it with that error', async () => {
    const { clock, commits, broken, put, trigger, state, loop } = rig();
    void put('a').catch(() => undefined);
    void trigger('a').catch(() => undefined);
    await clock.settle();
    commits[0]?.resolve();
    await clock.settle();
    const [run] = [...state.runs.values()];
    if (run !== undefined) run.state = 'queued';
    const launchName = run?.attempts[0]?.launchName ?? '';
    loop.post({
      kind: 'observed',
      now: clock.now(),
      observation: { kind: 'ended', launchName, at: clock.now(), exitCode: 0 },
    });
    await clock.settle();
    expect(broken[0]).toBeInstanceOf(InvariantError);
  });

  test('stop waits for what was decided and takes nothing more', async () => {
    const { clock, commits, put, loop } = rig();
    const first = put('a');
    await clock.settle();
    let stopped = false;
    void loop.stop().then(() => {
      stopped = true;
    });
    await clock.settle();
    expect(stopped).toBe(false);
    commits[0]?.resolve();
    await clock.settle();
    expect(stopped).toBe(true);
    await expect(first).resolves.toBeDefined();
    await expect(put('b')).rejects.toMatchObject({ code: 'NOT_LEADING' });
  });

  test('stop waits for every commit that is under way', async () => {
    const { clock, commits, put, loop } = rig({ inFlight: 2, maxWrites: 1 });
    for (const name of ['a', 'b', 'c']) void put(name);
    await clock.settle();
    let stopped = false;
    void loop.stop().then(() => {
      stopped = true;
    });
    for (let i = 0; i < 3; i++) {
      await clock.settle();
      expect(stopped).toBe(false);
      commits[i]?.resolve();
    }
    await clock.settle();
    expect(stopped).toBe(true);
  });

  test('tells by how much the clock was set since it decided last, also when it has ended', async () => {
    const { clock, commits, loop, put } = rig();
    void put('a').catch(() => undefined);
    await clock.settle();
    clock.step(-7_000);
    expect(loop.pendingStepMs).toBe(-7_000);
    void put('b').catch(() => undefined);
    await clock.settle();
    expect(loop.pendingStepMs).toBe(0);
    const stopped = loop.stop();
    clock.step(5 * 60_000);
    for (const commit of commits) commit.resolve();
    await clock.settle();
    commits[1]?.resolve();
    await stopped;
    expect(loop.pendingStepMs).toBe(5 * 60_000);
  });
});

test('a run whose ending is not durable yet is neither live nor lost', async () => {
  const { clock, commits, put, trigger, loop, state } = rig();
  void put('a');
  void trigger('a');
  await clock.settle();
  const [run] = [...state.runs.values()];
  expect([...loop.endingRuns()]).toEqual([]);
  const launchName = run?.attempts[0]?.launchName ?? '';
  loop.post({
    kind: 'observed',
    now: clock.now(),
    observation: { kind: 'ended', launchName, at: clock.now(), exitCode: 0 },
  });
  await clock.settle();
  expect(state.runs.size).toBe(0);
  expect([...loop.endingRuns()].map((each) => each.state)).toEqual(['succeeded']);
  expect(loop.endingRun(run?.id ?? '')?.state).toBe('succeeded');
  for (let i = 0; i < 2; i++) {
    commits[i]?.resolve();
    await clock.settle();
  }
  expect([...loop.endingRuns()]).toEqual([]);
});

describe('a loop whose wall clock was set', () => {
  test('decides that before anything else', async () => {
    const { clock, commits, loop, state } = rig();
    void loop.submit({
      kind: 'put-job',
      definition: { name: 'a', run: { command: 'true' }, schedule: { cron: '0 * * * *' } },
      mode: 'create',
      by: 'test',
      source: 'test',
    });
    await clock.settle();
    commits[0]?.resolve();
    await clock.settle();
    const before = clock.now();
    clock.step(-86_400_000);
    loop.post({ kind: 'tick', now: clock.now() });
    await clock.settle();
    // The cursor lay in the future since: the job would be silent for a day.
    expect(state.entry('a').state.cursor).toBe(before - 86_400_000);
    expect(commits[1]?.groups.flat()).toMatchObject([{ kind: 'state' }]);
  });

  test('decides nothing about it where it was set by less than a step', async () => {
    const { clock, commits, loop } = rig();
    await clock.settle();
    clock.step(-1_500);
    loop.post({ kind: 'tick', now: clock.now() });
    await clock.settle();
    expect(commits).toEqual([]);
  });
});

test('a request beyond the bound is told so, and what it may do', async () => {
  const { clock, loop } = rig();
  await clock.settle();
  const command: Command = { kind: 'pause', name: 'none', by: 'test' };
  const answers = Array.from({ length: 20_001 }, () =>
    loop.submit(command).catch((error: CarillonError) => error),
  );
  await clock.settle();
  const [refused, ...others] = (await Promise.all(answers)).reverse();
  expect(refused).toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: '20000 requests are already waiting.',
    details: { allowed: 'fewer concurrent requests' },
  });
  expect(new Set(others.map((each) => each instanceof CarillonError && each.code))).toEqual(
    new Set(['JOB_NOT_FOUND']),
  );
});

test('a loop decides nothing more while 50,000 groups wait for the store', async () => {
  const { clock, commits, loop, put, state } = rig();
  void put('a');
  await clock.settle();
  const resume = (): unknown => loop.submit({ kind: 'resume', name: 'a', by: 'test' });
  for (let i = 0; i < 3; i++) {
    for (let each = 0; each < 16_667 - (i === 2 ? 2 : 0); each++) resume();
    await clock.settle();
  }
  void put('b');
  await clock.settle();
  void put('c');
  await clock.settle();
  expect([...state.jobs.keys()]).toEqual(['a', 'b']);
  commits[0]?.resolve();
  await clock.settle();
  expect([...state.jobs.keys()]).toEqual(['a', 'b', 'c']);
});

/** A definition that takes so long to check, the first time. */
function slow(name: string, takes: () => void) {
  let isChecked = false;
  return {
    name,
    run: { command: 'true' },
    get description(): string {
      if (!isChecked) takes();
      isChecked = true;
      return 'x';
    },
  };
}

describe('a loop that takes eight milliseconds', () => {
  test('to decide lets others have their turn', async () => {
    let tookMs = 0;
    const { clock, loop, state } = rig({ tookMs: () => tookMs });
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      void loop.submit({
        kind: 'put-job',
        definition: slow(name, () => {
          tookMs += 4;
        }),
        mode: 'create',
        by: 'test',
        source: 'test',
      });
    const seen: number[] = [];
    clock.after(0, () => seen.push(state.jobs.size));
    await clock.settle();
    expect([...seen, state.jobs.size]).toEqual([2, 5]);
  });

  test('to check many jobs lets others have their turn', async () => {
    let tookMs = 0;
    let checked = 0;
    const { clock, commits, loop, put, state } = rig({ tookMs: () => tookMs });
    const definitions = Array.from({ length: 60 }, (_, i) => ({
      definition: slow(`job-${i}`, () => {
        tookMs += 1;
        checked += 1;
      }),
      source: 'test',
    }));
    const applied = loop.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by: 'test' });
    await Promise.resolve();
    expect(checked).toBe(8);
    void put('other');
    await clock.settle();
    expect([checked, [...state.jobs.keys()][0]]).toEqual([60, 'other']);
    for (let i = 0; i < 2; i++) {
      commits[i]?.resolve();
      await clock.settle();
    }
    expect(await applied).toHaveLength(60);
  });
});

test('many jobs are checked no more once the loop is being stopped, and refused', async () => {
  let [tookMs, checked] = [0, 0];
  const { clock, commits, loop } = rig({ tookMs: () => tookMs });
  const definitions = Array.from({ length: 60 }, (_, i) => ({
    definition: slow(`job-${i}`, () => {
      tookMs += 1;
      checked += 1;
    }),
    source: 'test',
  }));
  const applied = loop.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by: 'test' });
  const refused = expect(applied).rejects.toMatchObject({ code: 'NOT_LEADING' });
  await Promise.resolve();
  await loop.stop();
  await clock.settle();
  expect([checked, commits]).toEqual([8, []]);
  await refused;
});

test('several commits that fail end a loop once, and what is durable behind a failed one is not told', async () => {
  const { clock, commits, seen, broken, put } = rig({ inFlight: 3, maxWrites: 1 });
  const codes = ['a', 'b', 'c'].map((name) => put(name).catch(({ code }: CarillonError) => code));
  await clock.settle();
  const error = new CarillonError('NOT_LEADING', 'a newer term');
  commits[1]?.resolve();
  commits[0]?.reject(error);
  commits[2]?.reject(error);
  await clock.settle();
  expect(await Promise.all(codes)).toEqual(['NOT_LEADING', 'NOT_LEADING', 'NOT_LEADING']);
  expect([seen, broken]).toEqual([[], [error]]);
});

test('a loop that is stopped refuses what it has not taken, and waits for nothing when nothing is under way', async () => {
  const { loop, put, commits, clock } = rig();
  const refused = expect(put('a')).rejects.toMatchObject({ code: 'NOT_LEADING' });
  await loop.stop();
  await refused;
  await clock.settle();
  expect(commits).toEqual([]);
});

test('a loop that is being stopped takes nothing more, so that what comes in all the time does not hold up its end', async () => {
  const { clock, commits, loop, put, state } = rig();
  const definitions = Array.from({ length: 60 }, (_, i) => ({
    definition: { name: `job-${i}`, run: { command: 'true' } },
    source: 'test',
  }));
  const answers: string[] = [];
  const note = (answer: Promise<unknown>): void =>
    void answer.then(
      () => answers.push('done'),
      ({ code }: CarillonError) => answers.push(code),
    );
  note(put('a'));
  await clock.settle();
  void loop.stop().then(() => answers.push('stopped'));
  note(put('b'));
  note(loop.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by: 'test' }));
  loop.post({ kind: 'leading', now: clock.now(), term: 2, clockAhead: null });
  await clock.settle();
  expect(answers).toEqual(['NOT_LEADING', 'NOT_LEADING']);
  commits[0]?.resolve();
  await clock.settle();
  expect(answers.slice(2)).toEqual(['done', 'stopped']);
  expect([[...state.jobs.keys()], state.term, commits.length]).toEqual([['a'], 1, 1]);
});

test('a loop that is being stopped ends as well when the last commit fails, which is refused and told', async () => {
  const { clock, commits, broken, loop, put } = rig();
  const refused = expect(put('a')).rejects.toMatchObject({ code: 'NOT_LEADING' });
  await clock.settle();
  const stopped = loop.stop();
  const error = new CarillonError('NOT_LEADING', 'a newer term');
  commits[0]?.reject(error);
  await Promise.all([stopped, refused]);
  expect(broken).toEqual([error]);
});

test('a loop that has ended takes no events, and decides about many jobs no more', async () => {
  const { clock, commits, loop, put, state } = rig();
  const first = expect(put('a')).rejects.toMatchObject({ code: 'NOT_LEADING' });
  await clock.settle();
  const definitions = Array.from({ length: 60 }, (_, i) => ({
    definition: { name: `job-${i}`, run: { command: 'true' } },
    source: 'test',
  }));
  commits[0]?.reject(new CarillonError('NOT_LEADING', 'a newer term'));
  await first;
  const jobs = state.jobs.size;
  const many = loop.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by: 'test' });
  await expect(many).rejects.toMatchObject({ code: 'NOT_LEADING' });
  loop.post({ kind: 'tick', now: clock.now() });
  await clock.settle();
  expect([state.jobs.size, commits.length]).toEqual([jobs, 1]);
});

test('many jobs that are judged when the loop ends are refused', async () => {
  const { clock, commits, loop, put } = rig();
  const first = expect(put('a')).rejects.toMatchObject({ code: 'NOT_LEADING' });
  await clock.settle();
  const definitions = Array.from({ length: 60 }, (_, i) => ({
    definition: { name: `job-${i}`, run: { command: 'true' } },
    source: 'test',
  }));
  const many = loop.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by: 'test' });
  const refused = expect(many).rejects.toMatchObject({ code: 'NOT_LEADING' });
  commits[0]?.reject(new CarillonError('NOT_LEADING', 'a newer term'));
  await clock.settle();
  await Promise.all([first, refused]);
  expect(commits).toHaveLength(1);
});

test('an answer of many jobs names who applied them', async () => {
  const { clock, commits, loop, state } = rig();
  const definitions = Array.from({ length: 60 }, (_, i) => ({
    definition: { name: `job-${i}`, run: { command: 'true' } },
    source: 'test',
  }));
  const many = loop.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by: 'ann' });
  await clock.settle();
  for (const commit of commits) commit.resolve();
  await clock.settle();
  expect((await many).map(({ outcome }) => outcome)).toEqual(Array(60).fill('created'));
  expect(state.entry('job-7').job.updatedBy).toBe('ann');
});
