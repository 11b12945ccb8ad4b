#!/usr/bin/env bash
# Installs what CityGap needs on Debian or Ubuntu: QGIS (one that is there is used), the worker's
# Python in .venv, and with the word "tests" what the tests need, in .venv and .venv-qgis.
# Does nothing where all of it is there already.
set -euo pipefail
cd "$(dirname "$0")/.."
what="${1:-run}"
python="${PYTHON:-python3}"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

say() { printf '\n== %s\n' "$*"; }

need_apt=()
system_python=/usr/bin/python3
has_qgis() { "$system_python" -c 'import qgis.core' 2>/dev/null; }
command -v "$system_python" >/dev/null || need_apt+=(python3)
has_qgis || need_apt+=(qgis python3-qgis)
command -v qgis >/dev/null || [[ " ${need_apt[*]} " == *" qgis "* ]] || need_apt+=(qgis)
command -v xvfb-run >/dev/null || need_apt+=(xvfb)
command -v xauth >/dev/null || need_apt+=(xauth)
command -v ogrinfo >/dev/null || need_apt+=(gdal-bin)
command -v lrelease >/dev/null || need_apt+=(qttools5-dev-tools)
"$system_python" -c 'import ensurepip' 2>/dev/null || need_apt+=(python3-venv)
[ -n "$(fc-list :lang=zh family 2>/dev/null)" ] || need_apt+=(fontconfig fonts-noto-cjk)
if ((${#need_apt[@]})); then
    say "system packages: ${need_apt[*]}"
    sudo=""
    if [ "$(id -u)" != 0 ]; then sudo="sudo"; fi
    if ! command -v apt-get >/dev/null; then
        echo "Install these with your system's package manager, then run again: ${need_apt[*]}" >&2
        exit 1
    fi
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${need_apt[@]}" >/dev/null
fi

# A venv is made again when the list it was made from, or the folder it stands in, has changed.
stamp_of() { cat "$@" pyproject.toml | cat - <(pwd) | sha256sum | cut -d' ' -f1; }
is_made() { [ -x "$1/bin/python" ] && [ "$(cat "$1/.made" 2>/dev/null)" = "$2" ]; }

lists=(requirements/worker.txt)
if [ "$what" = tests ] || [ -f .venv/.tests ]; then lists+=(requirements/tests.txt); fi
stamp="$(stamp_of "${lists[@]}")"
if ! is_made .venv "$stamp"; then
    say "the worker's Python in .venv"
    [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null || "$python" -m venv --clear .venv
    .venv/bin/python -m pip install -q $(printf -- '-r %s ' "${lists[@]}")
    .venv/bin/python -m pip install -q --no-deps --no-build-isolation -e . 2>/dev/null ||
        .venv/bin/python -m pip install -q --no-deps -e .
    if [ "$what" = tests ]; then touch .venv/.tests; fi
    echo "$stamp" > .venv/.made
fi

if [ "$what" = tests ]; then
    stamp="$(stamp_of requirements/qgis-tests.txt)"
    if ! is_made .venv-qgis "$stamp"; then
        say "the tests' Python beside QGIS in .venv-qgis"
        "$system_python" -m venv --clear --system-site-packages .venv-qgis
        .venv-qgis/bin/python -m pip install -q -r requirements/qgis-tests.txt
        echo "$stamp" > .venv-qgis/.made
    fi
fi

for ts in i18n/*.ts; do
    qm="${ts%.ts}.qm"
    if [ "$ts" -nt "$qm" ]; then lrelease -silent "$ts" -qm "$qm"; fi
done
