#!/usr/bin/env bash
# All checks and tests, as `npm test`: types, lint, then vitest with whatever arguments were given.
# The last line says how many tests passed and failed.
set -euo pipefail
cd "$(dirname "$0")/.."

bash test/support/install.sh
npm run --silent check
# The tests in a browser look at what is built.
npx vite build web --logLevel error

reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
status=0
tests() {
  npx vitest run --reporter=default --reporter=json --outputFile.json="$reports/$1.json" "${@:2}" || status=$?
}

# What loses nodes, or watches a page live, is judged by the clock: beside other tests it would be judged for their load.
alone=(test/web/journey.test.ts test/executor/swarm/faults.test.ts test/chaos/chaos.test.ts)
if [[ $# -gt 0 ]]; then
  tests given "$@"
else
  tests all "${alone[@]/#/--exclude=}"
  tests alone --no-file-parallelism "${alone[@]}"
fi

node - "$reports"/*.json <<'JS' || status=1
const { readFileSync } = require('node:fs');
let passed = 0;
let failed = 0;
for (const report of process.argv.slice(2)) {
  const text = readFileSync(report, 'utf8');
  const { numPassedTests = 0, numFailedTests = 0, testResults = [] } = text === '' ? {} : JSON.parse(text);
  // A file that can not be loaded has no test that could fail.
  const broken = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  passed += numPassedTests;
  failed += numFailedTests + broken;
}
console.log(`${passed} passed, ${failed} failed`);
JS
exit "$status"
