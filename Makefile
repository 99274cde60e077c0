# make help lists what can be done. Needs Python 3.11 or later and make; everything else is set up by it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.PHONY: help run test demo demo-console screenshots bench bench-light train evaluate lint format docs clean libgomp chromium

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

run: $(INSTALLED) libgomp ## start the service and its store; Ctrl-C stops both
	@exec $(BIN)/python -m riskapi serve

# Modules are kept as they were compiled, whatever the environment says: tests start the service many times.
test: export PYTHONDONTWRITEBYTECODE =
test: $(INSTALLED_DEV) libgomp chromium ## run every test; PYTEST="-k links" chooses
	@exec $(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST)

demo: $(INSTALLED_DEV) libgomp ## post varied signups to a service of its own and print what became of them
	@exec $(BIN)/python -m tests.demo

demo-console: $(INSTALLED_DEV) libgomp ## show the console with a simulated month in it (two minutes to fill it the first time); Ctrl-C stops
	@test -d var/sample || compgen -G 'var/ip/origin-asn-*.mmdb' >/dev/null || $(BIN)/python -m riskapi data update
	@test -d var/sample || $(BIN)/python -m training sample --folder var/sample
	@RISKAPI_DATA_DIR=var/sample RISKAPI_CONSOLE_NOTICE='Sample data' RISKAPI_CONSOLE_SECOND_FACTOR=off \
	  RISKAPI_ENRICHMENT=off exec $(BIN)/python -m riskapi serve

screenshots: $(INSTALLED_DEV) libgomp chromium ## take the pictures of the console that the docs show
	@test -d var/sample || compgen -G 'var/ip/origin-asn-*.mmdb' >/dev/null || $(BIN)/python -m riskapi data update
	@exec $(BIN)/python -m tests.screenshots

bench: $(INSTALLED_DEV) libgomp ## what a signup costs beside a route that does nothing, and how it grows (10 minutes); BENCH="--help" tells more
	@exec $(BIN)/python -m tests.bench $(BENCH)

bench-light: $(INSTALLED_DEV) libgomp ## warn where a signup became dearer by a quarter than it was (a minute)
	@exec $(BIN)/python -m tests.bench.light

train: $(INSTALLED_DEV) libgomp ## simulate, record, train a new model/artifact, evaluate (5 to 10 minutes)
	@$(BIN)/python -m riskapi data update
	@exec $(BIN)/python -m training all

# What the model is measured on is recorded by the service first, once: the same signups every time.
evaluate: $(INSTALLED_DEV) libgomp ## how good the model is, what attackers, rings and crowds get, simulated (4 minutes; 9 the first time)
	@test -s var/training/decisions.jsonl || { $(BIN)/python -m riskapi data update; $(BIN)/python -m training collect; }
	@$(BIN)/python -m training evaluate
	@compgen -G 'var/ip/origin-asn-*.mmdb' >/dev/null || $(BIN)/python -m riskapi data update
	@$(BIN)/python -m training feedback
	@exec $(BIN)/python -m training rings

lint: $(INSTALLED_DEV) ## ruff, ruff format and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(INSTALLED_DEV) ## let ruff fix and format what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(INSTALLED) ## write the generated pages and tables
	@exec $(BIN)/python -m riskapi docs

clean: ## remove the virtual environment and caches; data in var/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A Python of 3.11 or later, whatever it is called here; PYTHON=/path/to/python chooses one.
$(BIN)/python:
	@found=; for name in $${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do \
	  if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$name; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo 'Python 3.11 or later is needed and none was found; PYTHON=/path/to/python names one.' >&2; exit 1; fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$found cannot make virtual environments: install its venv package (Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; fi; \
	echo "making $(VENV) with $$($$found --version)"; \
	rm -rf $(VENV); "$$found" -m venv $(VENV)

$(INSTALLED): requirements.txt | $(BIN)/python
	@$(call install,requirements.txt)
	@touch $@

$(INSTALLED_DEV): requirements.txt requirements-dev.txt | $(BIN)/python
	@$(call install,requirements-dev.txt)
	@touch $(INSTALLED) $@

# Shows each package as pip takes it; pip's complaints are kept, and shown when it fails.
define install
echo "installing the packages of $(1) into $(VENV)"; \
if ! $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -r $(1) 2>$(VENV)/install.log \
  | sed -nE 's/^Collecting ([^ ]+).*/  \1/p; s/^Installing collected packages.*/  unpacking/p'; \
then cat $(VENV)/install.log >&2; exit 1; fi
endef

# LightGBM is linked against the OpenMP runtime of GCC, which slim systems leave out.
libgomp: | $(BIN)/python
	@if $(BIN)/python -c 'import ctypes, sys; sys.platform != "linux" or ctypes.CDLL("libgomp.so.1")' 2>/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo 'installing libgomp1, which LightGBM needs'; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libgomp1; } >/dev/null; \
	else echo 'libgomp.so.1 is missing, which LightGBM needs (Debian and Ubuntu: apt-get install libgomp1; Fedora: dnf install libgomp).' >&2; exit 1; fi

# Tests of the console and its pictures need a browser; without one those tests are skipped, and pytest says so.
chromium:
	@if command -v chromium >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo 'installing chromium, which tests of the console run'; \
	  { timeout 120 apt-get update -qq; \
	    DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y -qq --no-install-recommends chromium; } \
	    >/dev/null 2>&1 </dev/null || echo 'chromium cannot be installed here; tests in a browser are skipped'; \
	else echo 'there is no chromium here; tests in a browser are skipped (Debian: apt-get install chromium)'; fi
