/** What a client sends back as it read it, at once or later, in either generation's form, changes nothing. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crossFilled, type Generation, printJob } from '../../../src/scheduler/chronos/job.ts';
import { toChronos, toDefinition } from '../../../src/scheduler/chronos/mapping.ts';
import { readChronosJob } from '../../../src/scheduler/chronos/read.ts';
import { beginsNow } from '../../../src/scheduler/chronos/schedule.ts';
import { findProblems } from '../../../src/scheduler/job/check/check.ts';
import type { Settings } from '../../../src/scheduler/model/model.ts';
import { chronosJob, nativeContainer, nativeJob } from '../../support/chronos-jobs.ts';
import { abilities } from '../../support/engines.ts';
import { Rig, testSettings } from '../../support/rig.ts';

const engine = { concurrency: null, tombstoneMs: 600_000 };
const settings: Settings = {
  ...testSettings,
  engines: {
    ...testSettings.engines,
    docker: { ...engine, abilities: abilities.docker },
    swarm: { ...engine, abilities: abilities.swarm },
  },
};

const generation = fc.constantFrom<Generation>(2, 3);
const native = fc
  .oneof(
    nativeJob,
    nativeContainer.map((run) => ({ run, schedule: { at: '2027-06-01T00:00:00Z' } })),
  )
  .map((definition) => ({ ...definition, name: 'a' }))
  .filter((definition) => findProblems(definition, 'generated').length === 0);
const either = fc.oneof(
  native.map((definition) => ({ definition })),
  fc.record({ sent: chronosJob, as: generation }),
);
type Either = typeof either extends fc.Arbitrary<infer T> ? T : never;

function put(r: Rig, body: object, as: Generation): void {
  const before = r.state.jobs.has('a') ? r.view('a') : null;
  const unmapped = before === null ? (['engine', 'constraints', 'pull'] as const) : [];
  const definition = toDefinition(readChronosJob(body), { generation: as, now: r.now, before, unmapped });
  r.submit({ kind: 'put-job', definition, mode: 'replace', by: 'test', source: 'test' });
}

/** Some hours with a tick in each, in which everything that runs ends. */
function pass(r: Rig, hours: number, exitCode: number): void {
  for (let i = 0; i < hours; i++) {
    r.advance(3_600_000);
    const launched = () => [...r.state.runs.values()].find(({ state }) => state === 'launching');
    for (let run = launched(); run !== undefined; run = launched()) {
      const index = r.state.entry(run.job).runs.indexOf(run);
      r.end(run.job, exitCode, index);
    }
  }
}

test('whatever a job is, native or sent as Chronos has it', () => {
  fc.assert(
    fc.property(
      either,
      fc.record({ from: generation, to: generation, list: fc.boolean(), exitCode: fc.constantFrom(0, 1) }),
      fc.constantFrom(0, 1, 5, 30),
      fc.constantFrom(0, 1, 30),
      (job: Either, { from, to, list, exitCode }, passed, waited) => {
        const r = new Rig('2026-11-21T12:00:00Z', settings);
        r.put({ name: 'parent', schedule: { cron: '0 * * * *' } });
        if ('definition' in job) r.put(job.definition);
        else put(r, { ...job.sent, name: 'a' }, job.as);
        pass(r, passed, exitCode);
        const { definition, revision } = r.view('a').job;
        const shown = toChronos(r.view('a'));
        const body = JSON.parse(JSON.stringify(printJob(list ? crossFilled(shown) : shown, from)));
        // What has no start begins when it is sent, and was read before it had begun.
        fc.pre(!(beginsNow(body.schedule ?? '') && waited > 0));
        pass(r, waited, exitCode);
        put(r, body, to);
        expect(r.view('a').job).toMatchObject({ revision, definition });
      },
    ),
    { numRuns: 200 },
  );
});
