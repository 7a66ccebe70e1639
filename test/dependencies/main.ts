/**
 * Lists what this project installs, with licences and install scripts: `npm run dependencies`. Exit code 1 if something is a
 * surprise: an unknown licence, a script that nobody decided about, or content that is not pinned.
 */

import Table from 'cli-table3';
import { dependenciesIn, lockOfProject, manifestOfProject } from './lock.ts';

const dependencies = dependenciesIn(lockOfProject(), manifestOfProject());
const table = new Table({
  head: ['package', 'version', 'licence', 'part of', 'script'],
  style: { head: [] },
});
for (const { name, version, licence, shipped, script } of dependencies)
  table.push([name, version, licence, shipped ? 'the product' : 'development', script ?? '']);
process.stdout.write(`${table}\n`);

const surprises = dependencies.flatMap(({ name, surprises }) => surprises.map((each) => `${name} ${each}.`));
const shipped = dependencies.filter((each) => each.shipped).length;
process.stdout.write(
  `${dependencies.length} packages, ${shipped} of them in the product, ${surprises.length} surprises.\n`,
);
for (const surprise of surprises) process.stderr.write(`${surprise}\n`);
process.exitCode = surprises.length === 0 ? 0 : 1;
