#!/bin/sh
# Compares one change of one sensor with the Python Alpacalert 0.1.2, in the same tree of constants.
# Needs python3 with venv, and a Python package index for the first run.
set -eu
cd "$(dirname "$0")/.."

venv=target/compare-python
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check alpacalert==0.1.2
cargo bench --quiet -p alpacalert-model --bench model --no-run

printf '%9s  %14s  %14s  %s\n' nodes 'python 0.1.2' alpacalert faster
for nodes in 10000 100000; do
    python=$("$venv/bin/python" scripts/compare_python.py "$nodes")
    rust=$(cargo bench --quiet -p alpacalert-model --bench model -- one-change "$nodes")
    awk -v n="$nodes" -v p="$python" -v r="$rust" \
        'BEGIN { printf "%9d  %11.3f ms  %11.3f µs  %.0f times\n", n, p * 1e3, r * 1e6, p / r }'
done
