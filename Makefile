# Two commands: `make run` (installs and does the main job) and `make test` (installs and passes everything).

SHELL := /bin/bash
PYTHON ?= python3
CITY ?=
OUT ?= out

.PHONY: install install-tests run test lint bench clean

install:
	PYTHON="$(PYTHON)" bash scripts/install.sh

install-tests:
	PYTHON="$(PYTHON)" bash scripts/install.sh tests

run: install
	.venv/bin/python scripts/run.py --out "$(OUT)" $(CITY)

test: install-tests
	bash scripts/test.sh

lint: install-tests
	bash scripts/test.sh lint

bench: install-tests
	bash scripts/bench.sh

clean:
	rm -rf .venv .venv-qgis .venv-bench out *.egg-info i18n/*.qm
