#!/usr/bin/env bash
# All checks and tests, as `npm test`: types, lint, then vitest with whatever arguments were given.
# The last line says how many tests passed and failed.
set -euo pipefail
cd "$(dirname "$0")/.."

bash test/support/install.sh
npm run --silent check

report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
npx vitest run --reporter=default --reporter=json --outputFile.json="$report" "$@" || status=$?

node - "$report" <<'JS' || status=1
const { readFileSync } = require('node:fs');
const text = readFileSync(process.argv[2], 'utf8');
const { numPassedTests = 0, numFailedTests = 0, testResults = [] } = text === '' ? {} : JSON.parse(text);
// A file that can not be loaded has no test that could fail.
const broken = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
console.log(`${numPassedTests} passed, ${numFailedTests + broken} failed`);
JS
exit "$status"
