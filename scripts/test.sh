#!/usr/bin/env bash
# Everything that must hold: lint, types, security, tests without QGIS, tests with QGIS.
set -euo pipefail
cd "$(dirname "$0")/.."
only="${1:-all}"

say() { printf '\n== %s\n' "$*"; }

say "lint, format, types, security"
.venv/bin/ruff check .
.venv/bin/ruff format --check .
links="$(mktemp -d)"
trap 'rm -rf "$links"' EXIT
ln -s "$PWD" "$links/citygap" # mypy wants the package under its own name, whatever the folder is called
(cd "$links" && citygap/.venv/bin/mypy --config-file citygap/pyproject.toml -p citygap.model -p citygap.engine)
.venv/bin/bandit -q -r -c bandit.yaml .
git ls-files -z | xargs -0 .venv/bin/detect-secrets-hook --exclude-files 'tests/.*'
if [ "$only" = lint ]; then exit 0; fi

say "tests without QGIS"
.venv/bin/python -m pytest -q -n 2 --dist loadfile --timeout 600 --ignore tests/qgis tests

say "tests with QGIS"
export QT_QPA_PLATFORM=offscreen
.venv-qgis/bin/python -m pytest -q --qgis_disable_gui --timeout 600 tests/qgis tests/reports
