/**
 * `npm run mutate -- [FOLDER…] [--concurrency N]`: changes the source in one place at a time, and runs the quick tests
 * that reach the place. A change that no test notices survives. Results are kept in `coverage/mutation`: the next run
 * tries only what was changed since.
 */

import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';

/** The tests that are run for a room; for other rooms those in the folder of its name. */
const core = ['scheduler/{rules,state,stats,read,runtime}/**', 'property/{ledger,places}.property'];
const testsOf: Readonly<Record<string, readonly string[]>> = {
  'src/dag': ['dag/**', 'property/dag.property', 'scheduler/rules/dependents'],
  'src/scheduler/rules': core,
  'src/scheduler/state': core,
  'src/scheduler/runtime': core,
  'src/scheduler/model': core,
  'src/scheduler/schedule': ['scheduler/schedule/**', 'property/schedule.property'],
};
const scheduler = ['chronos', 'job', 'model', 'read', 'rules', 'runtime', 'schedule', 'state', 'stats'];
const everything = ['src/dag', ...scheduler.map((room) => `src/scheduler/${room}`)];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { concurrency: { type: 'string', default: '1' }, force: { type: 'boolean', default: false } },
});

for (const given of positionals.length === 0 ? everything : positionals) {
  const folder = given.replace(/\/$/, '');
  const tests = testsOf[folder] ?? [`${folder.replace('src/', '')}/**`];
  const report = `coverage/mutation/${folder.replaceAll('/', '-')}`;
  await new Stryker({
    mutate: [`${folder}/**/*.ts`],
    testFiles: tests.map((each) => `test/${each}.test.ts`),
    testRunner: 'vitest',
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
    coverageAnalysis: 'perTest',
    concurrency: Math.min(2, Number(values.concurrency)),
    incremental: true,
    incrementalFile: `${report}.json`,
    force: values.force,
    reporters: ['clear-text', 'progress-append-only', 'html'],
    clearTextReporter: { reportTests: false },
    htmlReporter: { fileName: `${report}.html` },
    ignorePatterns: ['biome.json', 'dist', 'docs', 'examples', 'bench', 'coverage', '/web'],
    tempDirName: 'coverage/mutation/tmp',
    // Read by Stryker with TypeScript's old interface, which TypeScript 7 does not have.
    tsconfigFile: 'none',
  }).runMutationTest();
}
