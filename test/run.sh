#!/usr/bin/env bash
# All checks and tests, as `npm test`: types, lint, then vitest with whatever arguments were given.
# The last line says how many tests passed and failed.
set -euo pipefail
cd "$(dirname "$0")/.."

bash test/support/install.sh
bash test/support/jaeger.sh
bash test/support/s3-server.sh
npm run --silent check
# The tests in a browser look at what is built.
npx vite build web --logLevel error

reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
broke=0
tests() {
  : > "$reports/$1.json"
  npx vitest run --reporter=default --reporter=json --outputFile.json="$reports/$1.json" "${@:2}" && return
  # No test failed, and yet it ended badly: an error outside of the tests.
  [[ -n $(verdict failed "$reports/$1.json") ]] || broke=1
}
verdict() { node test/support/verdict.mjs "$@"; }

if [[ $# -gt 0 ]]; then
  tests 1-given "$@"
else
  tests 1-all --project shared --project isolated
  tests 2-waiting --project waiting
  tests 3-alone --no-file-parallelism --project alone
  # A few that failed beside others are run again alone: is it the code or the load? More than a few is the code.
  mapfile -t failed < <(verdict failed "$reports"/*.json)
  if (( ${#failed[@]} > 0 && ${#failed[@]} <= 3 )); then
    tests 4-again --no-file-parallelism "${failed[@]}"
    for file in "${failed[@]}"; do echo "failed the first time, run again alone: $file"; done
  fi
fi

verdict count "$reports"/*.json || broke=1
exit "$broke"
