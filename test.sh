#!/usr/bin/env bash
# Sets up .venv and runs the tests: `bash test.sh`, or with pytest's own arguments, `bash test.sh -k store`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. tools/environment.sh
make_test_environment
echo "== running the tests"
exec .venv/bin/python -m pytest -n auto --dist loadfile --no-loadscope-reorder "$@"
