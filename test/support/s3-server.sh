#!/usr/bin/env bash
# Builds the S3 server of the tests, versitygw, from its Go module. Quick and silent when it is there; the first time takes some
# minutes. Without Go, those tests are skipped.
set -euo pipefail
PATH="$PATH:/usr/local/go/bin"
version=v1.8.0
bin="${XDG_CACHE_HOME:-$HOME/.cache}/carillon-test/versitygw-$version"

[[ -e $bin/versitygw ]] && exit 0
if ! command -v go >/dev/null; then
  echo "no Go, so not built: versitygw (the tests that need it are skipped)" >&2
  exit 0
fi
output=$(GOBIN="$bin" go install "github.com/versity/versitygw/cmd/versitygw@$version" 2>&1) || {
  echo "could not build versitygw:" >&2
  echo "$output" >&2
  exit 1
}
