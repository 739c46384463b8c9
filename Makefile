# Everything a developer does with this repository. `make` alone says what there is.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3,$(shell command -v $(name) 2>/dev/null)))
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
NODE := node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help demo test soak bench figures lint types build clean packages

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/ready ## a portal with listings, a cabinet and a telephone on PORT (8000)
	$(BIN)/callease demo --port $(PORT)

test: packages $(VENV)/ready-for-tests $(NODE) lint types ## everything, at its small size, the browser too
	npm run --silent check
	$(BIN)/pytest

soak: packages $(VENV)/ready-for-tests $(NODE) ## the same tests at full size
	CALLEASE_TEST_SIZE=soak $(BIN)/pytest

bench: $(VENV)/ready-for-tests ## speed, as ratios measured in one run
	@sh tests/packages.sh wrk
	$(BIN)/python -m tests.load.bench

figures: $(VENV)/ready-for-tests ## the plots and tables of docs/sizes.md, drawn anew; DAYS=7 for a quick trial
	DAYS=$(DAYS) $(BIN)/python docs/sizes/figures.py

lint: $(VENV)/ready-for-tests $(NODE) ## style of Python and TypeScript, and the layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	npm run --silent lint

types: $(VENV)/ready-for-tests $(NODE) ## mypy and tsc, both strict
	$(BIN)/mypy
	npm run --silent types

build: $(VENV)/ready-for-tests $(NODE) ## the script into static/js, the wheel into dist
	npm run --silent build
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## what was built and installed here; the demo's data stays
	rm -rf $(VENV) node_modules build dist server/*.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# Debian packages that the tests need: installed when we are root, named when we are not.
packages:
	@sh tests/packages.sh

$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready: setup.cfg pyproject.toml constraints.txt $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/ready-for-tests: $(VENV)/ready
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

$(NODE): package.json package-lock.json
	npm ci --silent --no-audit --no-fund
	@touch $@
