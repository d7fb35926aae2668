# Sourced by demo.sh and test.sh: makes .venv once and installs the files named in the arguments.
# A file called *-nodeps.txt is installed without its dependencies.

# A Python that the pinned packages have wheels for.
python_command() {
  local candidate
  for candidate in python3.11 python3.12 python3.13 python3 python; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "error: Python 3.11, 3.12 or 3.13 is needed and was not found;" \
    "get one with: python3 -m venv .uv && .uv/bin/pip install uv && .uv/bin/uv venv --seed --python 3.12 .venv" >&2
  return 1
}

# All that the tests need.
make_test_environment() {
  make_environment requirements.txt requirements-demo.txt requirements-demo-nodeps.txt requirements-export.txt \
    requirements-app.txt requirements-features.txt requirements-cluster.txt requirements-test.txt
}

make_environment() {
  local python stamp file
  if [ ! -x .venv/bin/python ]; then
    python=$(python_command) || return 1
    echo "== making .venv with $("$python" --version)"
    "$python" -m venv .venv || {
      echo "error: '$python -m venv .venv' failed: on Debian and Ubuntu install the package python3-venv" >&2
      return 1
    }
  fi
  stamp=".venv/installed-$(cat "$@" | cksum | tr ' ' '-')"
  if [ ! -e "$stamp" ]; then
    echo "== installing $* (a few minutes the first time)"
    for file in "$@"; do
      case "$file" in
        *-nodeps.txt) .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r "$file" ;;
        *) .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$file" ;;
      esac || return 1
    done
    touch "$stamp"
  fi
}
