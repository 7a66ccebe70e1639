/**
 * `node verdict.mjs failed REPORT…` prints the test files that failed, `node verdict.mjs count REPORT…` how many tests
 * passed and failed. A later report of a file replaces an earlier one.
 */

import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const [what, ...reports] = process.argv.slice(2);
const files = new Map();
for (const report of reports) {
  const text = readFileSync(report, 'utf8');
  if (text === '') continue;
  for (const file of JSON.parse(text).testResults) files.set(relative('', file.name), file);
}
const say = (line) => void process.stdout.write(`${line}\n`);
const failedIn = ({ status, assertionResults }) => {
  const failed = assertionResults.filter((test) => test.status === 'failed').length;
  // A file that cannot be loaded has no test that could fail.
  return failed === 0 && status === 'failed' ? 1 : failed;
};

if (what === 'failed') {
  for (const [name, file] of files) if (failedIn(file) > 0) say(name);
} else {
  let [passed, failed] = [0, 0];
  for (const file of files.values()) {
    passed += file.assertionResults.filter((test) => test.status === 'passed').length;
    failed += failedIn(file);
  }
  say(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
