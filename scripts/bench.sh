#!/usr/bin/env bash
# The six questions beside other tools. Installs those in .venv-bench, and PostGIS with apt, if they are not there.
# SIZES: numbers of buildings, "100000" unless given; LIMIT: seconds a question may take.
set -euo pipefail
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

if ! compgen -G '/usr/lib/postgresql/*/lib/postgis-3.so' >/dev/null; then
    sudo=""
    if [ "$(id -u)" != 0 ]; then sudo="sudo"; fi
    if command -v apt-get >/dev/null; then
        $sudo apt-get update -qq
        DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends postgresql postgis 'postgresql-*-postgis-3' >/dev/null
    else
        echo "PostGIS is left out: install a PostgreSQL server and PostGIS to measure it." >&2
    fi
fi

stamp="$(cat requirements/bench.txt <(pwd) | sha256sum | cut -d' ' -f1)"
if [ "$(cat .venv-bench/.made 2>/dev/null)" != "$stamp" ]; then
    .venv/bin/python -m venv --clear .venv-bench
    .venv-bench/bin/python -m pip install -q -r requirements/bench.txt
    echo "$stamp" > .venv-bench/.made
fi

# shellcheck disable=SC2086 # several sizes
.venv/bin/python -m citygap.bench --limit "${LIMIT:-300}" ${SIZES:-}

printf '\n== planted gaps, rule by rule\n'
.venv/bin/python -m citygap.bench.planted
