import { describe, expect, test } from 'vitest';
import { check } from './checker.ts';
import type { AttemptRecord, ChaosJob, Fault, JobLine, RunRecord } from './history.ts';
import { instantsOf, parseLines } from './history.ts';
import { addRun, type Draft, flawless, historyOf, sec, start, tick } from './made-up.ts';

const fault = (given: Partial<Fault>): Fault => ({
  kind: 'kill',
  on: 'scheduler',
  target: 's1',
  from: sec(10),
  to: sec(14),
  led: true,
  ...given,
});

function find(draft: Draft, id: string): RunRecord {
  const run = draft.runs.find((each) => each.id === id);
  if (run === undefined) throw new Error(`no run ${id} in the made-up history`);
  return run;
}

/** Changes the records of one run. */
function amend(draft: Draft, id: string, change: Partial<RunRecord>): void {
  draft.runs = draft.runs.map((run) => (run.id === id ? { ...run, ...change } : run));
}

function amendAttempt(draft: Draft, id: string, change: Partial<AttemptRecord>): void {
  amend(draft, id, { attempts: find(draft, id).attempts.map((attempt) => ({ ...attempt, ...change })) });
}

function write(draft: Draft, id: string, line: Partial<JobLine>): void {
  const launch = draft.lines.find((each) => each.run === id && each.event === 'launch');
  if (launch === undefined) throw new Error(`no line of ${id} in the made-up history`);
  draft.lines.push({ ...launch, ...line });
}

/** What the jobs wrote of the run, moved. */
function delay(draft: Draft, id: string, byMs: number): void {
  draft.lines = draft.lines.map((line) => (line.run === id ? { ...line, at: line.at + byMs } : line));
}

/** As if the run had never been. */
function forget(draft: Draft, id: string, what: readonly ('runs' | 'ledger' | 'lines')[]): void {
  if (what.includes('runs')) draft.runs = draft.runs.filter((run) => run.id !== id);
  if (what.includes('ledger')) draft.ledger = draft.ledger.filter(({ run }) => run !== id);
  if (what.includes('lines')) draft.lines = draft.lines.filter(({ run }) => run !== id);
}

/** A trigger that `s2` did not acknowledge. */
function refuse(draft: Draft, when: { readonly askedAt: number; readonly at: number }): void {
  draft.triggers.push({ job: 'manual', key: 'k2', node: 's2', ...when, run: null });
}

function use(draft: Draft, change: Partial<ChaosJob>): void {
  draft.jobs = draft.jobs.map((job) => (job.name === 'tick' ? { ...job, ...change } : job));
}

/** The leader is lost at 10 s; the next one finds instants at 16 s that it runs one after the other, and skips the others. */
function workOff(draft: Draft, seconds: readonly number[]): void {
  draft.faults.push(fault({}));
  draft.jobs = draft.jobs.filter(({ name }) => name !== 'child');
  use(draft, { overlap: 'skip' });
  for (const { id, job, due } of draft.runs)
    if (job === 'child' || (job === 'tick' && due >= sec(10))) forget(draft, id, ['runs', 'ledger', 'lines']);
  const slow = { ...tick, durationMs: 7_000 };
  for (const [i, second] of seconds.entries()) {
    addRun(draft, slow, { due: sec(second), at: sec(16 + i * 7.5) });
    amend(draft, `tick@${second}`, { createdAt: sec(16) });
  }
  for (let second = seconds.at(-1)! + 2; second < 40; second += 2) {
    const { id } = addRun(draft, tick, { due: sec(second), at: sec(second) });
    const skipped = { state: 'skipped', createdAt: sec(second), endedAt: sec(second), attempts: [] };
    amend(draft, id, skipped);
    forget(draft, id, ['lines']);
    draft.ledger = draft.ledger.map((line) => (line.run === id ? { ...line, end: 'skipped' } : line));
  }
}

interface Story {
  readonly story: string;
  spoil(draft: Draft): void;
  /** The rule, and words of its message: the job, the instant, what was seen. Null: nothing is wrong. */
  readonly caught: readonly [rule: string, ...words: string[]] | null;
}

const at10 = '2026-11-21T12:00:10.000Z';

const stories: readonly Story[] = [
  { story: 'a history without a fault is without a violation', spoil: () => {}, caught: null },
  {
    story: 'two leaders launch the same attempt',
    spoil: (draft) => write(draft, 'tick@10', { at: sec(11) }),
    caught: ['duplicate-launch', 'tick', at10, 'attempt 1 of tick@10 began', '12:00:11'],
  },
  {
    story: 'a new leader starts again what it does not know of, under a name of its own',
    spoil: (draft) => {
      write(draft, 'tick@10', { run: 'tick@10-again', at: sec(12) });
      write(draft, 'tick@10', { run: 'tick@10-again', at: sec(13), event: 'done', exitCode: 0 });
    },
    caught: ['unknown-launch', 'tick', at10, 'tick@10-again', 'no such run'],
  },
  {
    story: 'a new leader starts another attempt of a run that succeeded',
    spoil: (draft) => write(draft, 'tick@10', { attempt: 2, at: sec(12) }),
    caught: ['unknown-launch', 'tick', at10, 'attempt 2', 'known are 1'],
  },
  {
    story: 'an instant is lost in a change of leader',
    spoil: (draft) => {
      draft.faults.push(fault({}));
      forget(draft, 'tick@10', ['runs', 'ledger', 'lines']);
      forget(draft, 'child@10', ['runs', 'ledger', 'lines']);
    },
    caught: ['lost-instant', 'tick', at10, 'no run and no ledger line'],
  },
  {
    story: 'a run begins seconds late in calm time',
    spoil: (draft) => {
      delay(draft, 'tick@10', 3_000);
      delay(draft, 'child@10', 3_000);
    },
    caught: ['late', 'tick', at10, 'began 3050 ms', '1000 ms were allowed'],
  },
  {
    story: 'a run begins late because the leader died: within the window',
    spoil: (draft) => {
      draft.faults.push(fault({ from: sec(9) }));
      delay(draft, 'tick@10', 4_000);
      delay(draft, 'child@10', 4_000);
    },
    caught: null,
  },
  {
    story: 'a run begins later than a change of leader takes',
    spoil: (draft) => {
      draft.faults.push(fault({ from: sec(3), to: sec(5) }));
      delay(draft, 'tick@10', 6_000);
      delay(draft, 'child@10', 6_000);
    },
    caught: ['late', 'tick', at10],
  },
  {
    story: 'a follower dies and runs are late all the same',
    spoil: (draft) => {
      draft.faults.push(fault({ led: false }));
      delay(draft, 'tick@10', 3_000);
      delay(draft, 'child@10', 3_000);
    },
    caught: ['late', 'tick', at10],
  },
  {
    story: 'a run begins before it is due',
    spoil: (draft) => delay(draft, 'tick@10', -500),
    caught: ['early', 'tick', at10, '450 ms before'],
  },
  {
    story: 'an acknowledged trigger is forgotten',
    spoil: (draft) => forget(draft, 'manual@5-m1', ['runs', 'lines']),
    caught: ['trigger', 'manual', 's2 acknowledged', 'manual@5-m1', 'not known'],
  },
  {
    story: 'a trigger asked for again under its key makes a second run',
    spoil: (draft) => {
      addRun(draft, draft.jobs[2]!, { due: sec(6), id: 'manual@6-m2', kind: 'manual' });
    },
    caught: ['trigger', 'manual', '2 runs', '1 triggers'],
  },
  {
    story: 'a node refuses a request though all is well',
    spoil: (draft) => refuse(draft, { askedAt: sec(20), at: sec(20.1) }),
    caught: ['refused', 'manual', 's2 refused', '12:00:20.000Z', 'no fault was near'],
  },
  {
    story: 'a follower refuses a request while the leader is gone for a take-over',
    spoil: (draft) => {
      draft.faults.push(fault({ led: true, from: sec(19), to: sec(21) }));
      refuse(draft, { askedAt: sec(20), at: sec(20.1) });
    },
    caught: null,
  },
  {
    story: 'a follower refuses a request longer than a take-over lasts',
    spoil: (draft) => {
      draft.faults.push(fault({ led: true, from: sec(19), to: sec(21) }));
      refuse(draft, { askedAt: sec(25.1), at: sec(25.2) });
    },
    caught: ['refused', 'manual', 's2 refused'],
  },
  {
    story: 'a node that is down does not answer',
    spoil: (draft) => {
      draft.faults.push(fault({ target: 's2', led: false, from: sec(15), to: sec(21) }));
      refuse(draft, { askedAt: sec(20), at: sec(20.1) });
    },
    caught: null,
  },
  {
    story: 'a node that is still starting refuses a request',
    spoil: (draft) => {
      draft.roles.push({ node: 's2', at: sec(19), role: 'starting', term: 0 });
      refuse(draft, { askedAt: sec(20), at: sec(20.1) });
    },
    caught: null,
  },
  {
    story: 'a node that has started refuses a request',
    spoil: (draft) => {
      draft.roles.push({ node: 's2', at: sec(18), role: 'starting', term: 0 });
      draft.roles.push({ node: 's2', at: sec(19), role: 'follower', term: 1 });
      refuse(draft, { askedAt: sec(20), at: sec(20.1) });
    },
    caught: ['refused', 'manual', 's2 refused'],
  },
  {
    story: 'a child begins before its parent is done',
    spoil: (draft) => delay(draft, 'child@10', -300),
    caught: ['dependents', 'child', at10, 'child@10 began', 'tick@10 was done at'],
  },
  {
    story: 'a child does not run for one round',
    spoil: (draft) => forget(draft, 'child@10', ['runs', 'ledger', 'lines']),
    caught: ['dependents', 'child', at10, 'tick@10 succeeded', 'no run'],
  },
  {
    story: 'a child runs though its parent never ran',
    spoil: (draft) => {
      addRun(draft, draft.jobs[1]!, { due: sec(11), kind: 'parents' });
    },
    caught: ['dependents', 'child', '12:00:11', 'no round'],
  },
  {
    story: 'the system says it ran, and it never did',
    spoil: (draft) => forget(draft, 'tick@10', ['lines']),
    caught: ['no-evidence', 'tick', at10, 'no launch'],
  },
  {
    story: 'the system says it failed, and the job ended well',
    spoil: (draft) => {
      use(draft, { failsFirst: 1 });
      draft.runs = draft.runs.map((run) =>
        run.job === 'tick' && run.id !== 'tick@10'
          ? { ...run, attempts: [{ ...run.attempts[0]!, exitCode: 7 }] }
          : run,
      );
    },
    caught: ['no-evidence', 'tick', 'exit code 7', 'exit code 0'],
  },
  {
    story: 'a run never ends',
    spoil: (draft) => amend(draft, 'tick@10', { state: 'running', endedAt: null }),
    caught: ['unfinished', 'tick', at10, 'still running'],
  },
  {
    story: 'an attempt is given up as lost though nothing happened',
    spoil: (draft) => amendAttempt(draft, 'tick@10', { exitCode: null, reason: 'lost' }),
    caught: ['attempts', 'tick', at10, 'no exit code (lost)', 'no fault was near'],
  },
  {
    story: 'an attempt is lost with its host and another one does the work',
    spoil: (draft) => {
      draft.faults.push(fault({ from: sec(10), to: sec(80) }));
      const { attempts } = find(draft, 'tick@38');
      const lost = { ...attempts[0]!, number: 1, createdAt: sec(9.9), exitCode: null, endedAt: sec(70) };
      amend(draft, 'tick@38', { attempts: [lost, { ...attempts[0]!, number: 2 }] });
      draft.lines = draft.lines.map((line) => (line.run === 'tick@38' ? { ...line, attempt: 2 } : line));
    },
    caught: null,
  },
  {
    story: 'a second attempt begins while the first still runs',
    spoil: (draft) => {
      use(draft, { failsFirst: 1 });
      for (const run of draft.runs.filter(({ job }) => job === 'tick')) {
        const [first] = run.attempts;
        amend(draft, run.id, {
          attempts: [
            { ...first!, exitCode: 7 },
            { ...first!, number: 2 },
          ],
        });
      }
      const second = draft.lines.filter(({ job }) => job === 'tick');
      draft.lines = draft.lines.map((line) =>
        line.job === 'tick' && line.event === 'done' ? { ...line, exitCode: 7 } : line,
      );
      draft.lines.push(...second.map((line) => ({ ...line, attempt: 2, at: line.at + 100 })));
    },
    caught: ['overlapping', 'tick', 'attempt 2 of tick@0 began', 'attempt 1 ended'],
  },
  {
    story: 'two runs of a job that must not overlap do',
    spoil: (draft) => {
      use(draft, { overlap: 'skip' });
      const done = draft.lines.find(({ run, event }) => run === 'tick@10' && event === 'done');
      draft.lines = draft.lines.map((line) => (line === done ? { ...line, at: sec(13) } : line));
    },
    caught: ['overlapping', 'tick', 'tick@12 began', 'tick@10 ran until', 'overlap is skip'],
  },
  {
    story: 'what passed while nobody led runs one after the other where overlap is skip',
    spoil: (draft) => workOff(draft, [10, 12, 14, 16]),
    caught: null,
  },
  {
    story: 'an instant that was seen on time waits behind those where overlap is skip',
    spoil: (draft) => {
      workOff(draft, [10, 12, 14, 16, 18]);
      amend(draft, 'tick@18', { createdAt: sec(18) });
    },
    caught: ['late', 'tick', 'tick@18 began 28000 ms after it could'],
  },
  {
    story: 'a run ends as failed with retries left',
    spoil: (draft) => amend(draft, 'tick@10', { state: 'failed', reason: 'exit code 1' }),
    caught: ['not-completed', 'tick', at10, 'ended failed (exit code 1)', '2 retries were allowed'],
  },
  {
    story: 'an instant is in two ledger lines',
    spoil: (draft) => draft.ledger.push({ ...draft.ledger.find(({ run }) => run === 'tick@10')! }),
    caught: ['ledger', 'tick', at10, '2 ledger lines'],
  },
  {
    story: 'the ledger says that a failed run succeeded',
    spoil: (draft) => {
      amend(draft, 'tick@10', { state: 'failed', reason: 'exit code 1' });
    },
    caught: ['ledger', 'tick', at10, 'the run is failed, and the line says succeeded'],
  },
  {
    story: 'a run has no ledger line',
    spoil: (draft) => forget(draft, 'tick@10', ['ledger']),
    caught: ['ledger', 'tick', at10, '0 ledger lines'],
  },
  {
    story: 'the ledger says missed where catch-up is all',
    spoil: (draft) => {
      draft.faults.push(fault({}));
      forget(draft, 'tick@10', ['runs', 'ledger', 'lines']);
      forget(draft, 'child@10', ['runs', 'ledger', 'lines']);
      draft.ledger.push({ ...draft.ledger[0]!, from: sec(10), to: sec(10), end: 'missed', run: null });
    },
    caught: ['ledger', 'tick', at10, 'missed', 'catch-up is all'],
  },
  {
    story: 'an instant is caught up by a later run after a change of leader',
    spoil: (draft) => {
      draft.faults.push(fault({}));
      use(draft, { catchUp: 'latest' });
      forget(draft, 'tick@10', ['runs', 'ledger', 'lines']);
      forget(draft, 'child@10', ['runs', 'ledger', 'lines']);
      draft.ledger.push({
        ...draft.ledger[0]!,
        from: sec(10),
        to: sec(10),
        end: 'caught-up',
        run: 'tick@12',
      });
    },
    caught: null,
  },
  {
    story: 'an instant is caught up by a later run in calm time',
    spoil: (draft) => {
      use(draft, { catchUp: 'latest' });
      forget(draft, 'tick@10', ['runs', 'ledger', 'lines']);
      forget(draft, 'child@10', ['runs', 'ledger', 'lines']);
      draft.ledger.push({
        ...draft.ledger[0]!,
        from: sec(10),
        to: sec(10),
        end: 'caught-up',
        run: 'tick@12',
      });
    },
    caught: ['ledger', 'tick', at10, 'nothing kept it from being on time'],
  },
  {
    story: 'an instant is skipped for an overlap that was not there',
    spoil: (draft) => {
      use(draft, { overlap: 'skip' });
      forget(draft, 'child@10', ['runs', 'ledger', 'lines']);
      forget(draft, 'tick@10', ['ledger', 'lines']);
      amend(draft, 'tick@10', { state: 'skipped', attempts: [] });
      draft.ledger.push({ ...draft.ledger[0]!, from: sec(10), to: sec(10), end: 'skipped', run: 'tick@10' });
    },
    caught: ['ledger', 'tick', at10, 'no other run of it was under way'],
  },
];

describe('the checker', () => {
  test.each(stories)('$story', ({ spoil, caught }) => {
    const draft = flawless();
    spoil(draft);
    const found = check(historyOf(draft));
    if (caught === null) {
      expect(found.map(({ message }) => message)).toEqual([]);
      return;
    }
    const [rule, ...words] = caught;
    const messages = found.filter((each) => each.rule === rule).map(({ message }) => message);
    expect(messages.filter((message) => words.every((word) => message.includes(word)))).not.toEqual([]);
  });

  test('a follower that tells another end of a run than the leader is caught', () => {
    const draft = flawless();
    const history = historyOf(draft);
    const stale = draft.runs.map((run) => (run.id === 'tick@10' ? { ...run, state: 'running' } : run));
    const [one, two] = history.answers;
    const found = check({ ...history, answers: [one!, { ...two!, runs: stale }] });
    expect(found.map(({ message }) => message)).toEqual([
      `tick due ${at10}: s1 says that tick@10 is succeeded after 1 attempts, s2 that it is running after 1 attempts`,
    ]);
  });
});

describe('lines that jobs write', () => {
  test('are read with the time since the machine started', () => {
    const { lines, unreadable } = parseLines(
      'launch tick 2026-11-21T12:00:00.000Z tick@0 1 12.34\ndone tick 2026-11-21T12:00:00.000Z tick@0 1 12.50 7\nlaun',
      start,
    );
    expect(lines).toEqual([
      {
        event: 'launch',
        job: 'tick',
        due: start,
        run: 'tick@0',
        attempt: 1,
        at: start + 12_340,
        exitCode: null,
      },
      { event: 'done', job: 'tick', due: start, run: 'tick@0', attempt: 1, at: start + 12_500, exitCode: 7 },
    ]);
    expect(unreadable).toEqual(['laun']);
  });

  test('are matched with the instants of a repeat', () => {
    expect(instantsOf(tick)).toHaveLength(20);
    expect(instantsOf(tick).at(-1)).toBe(sec(38));
  });
});
