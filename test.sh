#!/usr/bin/env bash
# Sets up .venv and runs the tests: `bash test.sh`, or with pytest's own arguments, `bash test.sh -k store`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. tools/environment.sh
make_environment requirements.txt requirements-demo.txt requirements-demo-nodeps.txt requirements-export.txt \
  requirements-app.txt requirements-test.txt
echo "== running the tests"
exec .venv/bin/python -m pytest "$@"
