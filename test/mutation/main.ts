/**
 * Changes the source in one place at a time, and runs the quick tests that reach the place. A change that no test
 * notices survives. See `npm run mutate -- --help`.
 */

import { Stryker } from '@stryker-mutator/core';
import { readArguments } from '../support/arguments.ts';

const usage = `npm run mutate -- [options] [PATH…]
  PATH             folders or files below src (default: all of the core)
  --concurrency N  1 or 2 at a time (default: 1)
  --force          try all again: results are kept in coverage/mutation, as a page and for the next run, which tries
                   only what has changed since
`;

const core = [
  'scheduler/*',
  'scheduler/{rules,state,stats,read,runtime}/**',
  'property/{ledger,slots}.property',
];
/** The tests that are run for a room; for other rooms those in the folder of its name. */
const testsOf: Readonly<Record<string, readonly string[]>> = {
  'src/dag': ['dag/**', 'property/dag.property', 'scheduler/rules/dependents'],
  'src/scheduler/decide.ts': core,
  'src/scheduler/model': core,
  'src/scheduler/rules': core,
  'src/scheduler/runtime': core,
  'src/scheduler/schedule': ['scheduler/schedule/**', 'property/schedule.property'],
  'src/scheduler/state': core,
};
const others = ['chronos', 'job', 'read', 'stats'].map((room) => `src/scheduler/${room}`);

const { values, positionals } = readArguments(
  usage,
  { concurrency: { type: 'string', default: '1' }, force: { type: 'boolean', default: false } },
  true,
);

for (const given of positionals.length === 0 ? [...Object.keys(testsOf), ...others] : positionals) {
  const path = given.replace(/\/$/, '');
  const room = Object.keys(testsOf).find((each) => path === each || path.startsWith(`${each}/`));
  const tests = testsOf[room ?? ''] ?? [`${path.replace(/^src\//, '').replace(/\/[^/]+\.ts$/, '')}/**`];
  const report = `coverage/mutation/${path.replaceAll('/', '-')}`;
  await new Stryker({
    mutate: [path.endsWith('.ts') ? path : `${path}/**/*.ts`],
    testFiles: tests.map((each) => `test/${each}.test.ts`),
    testRunner: 'vitest',
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
    coverageAnalysis: 'perTest',
    concurrency: values.concurrency === '2' ? 2 : 1,
    incremental: true,
    incrementalFile: `${report}.json`,
    force: values.force,
    reporters: ['clear-text', 'progress-append-only', 'html'],
    clearTextReporter: { reportTests: false },
    htmlReporter: { fileName: `${report}.html` },
    // The copy that is changed has no root of Biome's own.
    ignorePatterns: ['biome.json', 'dist', 'docs', 'examples', 'bench', 'coverage', '/web'],
    tempDirName: 'coverage/mutation/tmp',
    // Stryker reads it through an interface that TypeScript 7 does not have.
    tsconfigFile: 'none',
  }).runMutationTest();
}
