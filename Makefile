# Everything a checkout needs: only Python 3.11 (or later) and make. Stamps in .venv make the second time quick.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
LOCKED := $(PIP) install --require-hashes

# sshd usually lies outside a person's PATH.
export PATH := $(PATH):/usr/sbin:/sbin

# The tests run on every core; the tests of one file one after the other.
CORES ?= --numprocesses auto --dist loadfile

.PHONY: help setup demo test test-slow test-all lint bench mutation docs lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

setup: $(VENV)/.run ## make .venv with bin/recoup from the locked requirements

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Recoup needs Python 3.11 or later; say which with: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	$(LOCKED) -r requirements/run.txt -r requirements/build.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	$(LOCKED) -r requirements/dev.txt
	@touch $@

$(VENV)/.spark: requirements/spark.txt $(VENV)/.dev
	$(LOCKED) -r requirements/spark.txt
	@touch $@

$(VENV)/.docs: requirements/docs.txt $(VENV)/.run
	$(LOCKED) -r requirements/docs.txt
	@touch $@

# A system package that a test needs is installed where it may be (root and apt-get); else that test is skipped and says why.
# $(1) = a command of the package, $(2) = the package
define system_package
	@command -v $(1) >/dev/null 2>&1 \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 \
	       && { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null 2>&1 \
	            || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null; }; }; } \
	  || echo "$(2) is not installed and cannot be installed from here: the tests that need $(1) will be skipped" >&2
endef

demo: setup ## write ./demo, a synthetic district, and run the main job on it
	$(VENV)/bin/recoup demo demo

test: $(VENV)/.dev ## the quick tests
	$(call system_package,sshd,openssh-server)
	$(PY) -m pytest $(CORES) -m "not slow"

test-slow: $(VENV)/.dev $(VENV)/.spark
	$(call system_package,sshd,openssh-server)
	$(call system_package,soffice,libreoffice-calc)
	$(call system_package,java,default-jre-headless)
	$(PY) -m pytest $(CORES) -m slow

test-all: test test-slow ## every test

lint: $(VENV)/.dev ## ruff and mypy --strict
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

bench: $(VENV)/.dev ## a million participation rows through the whole road, beside a floor that computes nothing
	$(PY) -m benchmarks.road

mutation: $(VENV)/.dev ## small faults in the ledger, one at a time: which of them does no case notice? (hours; not part of the build)
	$(PY) -m tests.mutation

docs: $(VENV)/.docs ## build the documentation into site/
	$(PY) -m mkdocs build --strict --quiet

COMPILE := $(PY) -m piptools compile --quiet --generate-hashes --no-header --no-annotate --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

lock: $(VENV)/.dev ## resolve the requirements again, after a change in pyproject.toml
	$(COMPILE) -o requirements/run.txt pyproject.toml
	$(COMPILE) -c requirements/run.txt -o requirements/build.txt requirements/build.in
	$(COMPILE) -c requirements/run.txt --extra dev -o requirements/dev.txt pyproject.toml
	$(COMPILE) -c requirements/dev.txt --extra docs -o requirements/docs.txt pyproject.toml
	$(COMPILE) -c requirements/dev.txt --extra spark -o requirements/spark.txt pyproject.toml

clean: ## remove what was made
	rm -rf $(VENV) demo site dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
