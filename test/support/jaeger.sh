#!/usr/bin/env bash
# Builds what the tests use of Jaeger, from its Go module. Quick and silent when it is up to date; the first time takes some
# minutes. Without Go, those tests are skipped.
set -euo pipefail
cd "$(dirname "$0")/jaeger"
PATH="$PATH:/usr/local/go/bin"

if ! command -v go >/dev/null; then
  echo "no Go, so not built: Jaeger (the tests that need it are skipped)" >&2
  exit 0
fi
output=$(go build -o "${XDG_CACHE_HOME:-$HOME/.cache}/carillon-test/jaeger" . 2>&1) || {
  echo "could not build Jaeger:" >&2
  echo "$output" >&2
  exit 1
}
