# Muster: two commands on a fresh machine are `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Half of a test's time is waiting, for processes and services: twice as many workers as there are cores.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) * 2 )))
# Tests start hundreds of Pythons: each would compile all it imports again where the environment says to keep nothing.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test check unit sshd chromium screenshots bench soak soak-library lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## install what is pinned in requirements.lock into .venv

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up (pinned packages, about half a minute the first time) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 2>/dev/null \
	  && VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet -r requirements.lock 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

demo: $(READY) ## play one incident in the local workspace on SQLite, and show where its record is
	@$(BIN)/muster demo

test: check unit bench ## lint, types, floors and all tests, on SQLite and a real PostgreSQL

check: $(READY) ## lint, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

sshd: ## OpenSSH's own server for its tests, where this is root and apt can bring it
	@test -x /usr/sbin/sshd || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends openssh-server; } >/dev/null 2>&1 || \
	  echo "OpenSSH's server could not be installed: its tests are skipped, asyncssh's server is used"

chromium: ## the browser of the pages' tests, where this is root and apt can bring it
	@command -v chromium chromium-browser google-chrome >/dev/null || test "$$(id -u)" != 0 || \
	  ! command -v apt-get >/dev/null || \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-color-emoji; } >/dev/null 2>&1 || \
	  echo "Chromium could not be installed: the pages' browser tests are skipped"

screenshots: $(READY) chromium ## draw docs/screenshots again, from the browser tests
	SCREENSHOTS=docs/screenshots $(BIN)/python -m pytest -q tests/browser

unit: $(READY) sshd chromium ## all tests but the benchmarks
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m "not bench and not soak"

bench: $(READY) ## performance, as ratios against a baseline in the same run
	$(BIN)/python -m pytest -q -s -m bench tests/bench

soak: $(READY) ## the long runs: every commit on both databases, minutes of random kills, 100,000 events
	$(BIN)/python -m pytest -q -s -m soak --ignore=tests/library

soak-library: $(READY) ## every playbook, every request, every way to fail: a minute or two for each playbook
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m soak tests/library

lock: ## pin again what pyproject.toml asks for
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --universal --python-version 3.11 \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate -o requirements.lock

clean: ## remove what the setup and the demo made
	rm -rf $(VENV) var build *.egg-info
