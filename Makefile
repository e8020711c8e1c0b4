# Every target is a short command; what it does stands in lab/ and tests/run/.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
STEPS ?=

.PHONY: help
help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

.PHONY: venv
venv: .venv/.stamp-test ## Make .venv with the pinned tools

# The controller's tools alone: what the lab needs.
.venv/.stamp-run: requirements.txt
	@test -x .venv/bin/pip || $(PYTHON) -c 'import ensurepip' 2>/dev/null || $(install-python-venv)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"{sys.executable} is Python {sys.version.split()[0]}, and 3.11 or newer is needed: name one with PYTHON=/path/to/python3")'
	@test -x .venv/bin/pip || $(PYTHON) -m venv --clear .venv
	$(call pip-install,requirements.txt)
	@touch $@

.venv/.stamp-test: .venv/.stamp-run requirements-test.txt
	$(call pip-install,requirements-test.txt)
	@touch $@

# Debian and Ubuntu split this part of Python off.
define install-python-venv
{ test "$$(id -u)" = 0 || { echo "Python's venv module is missing: run 'apt install python3-venv' as root, then make again" >&2; exit 1; }; \
	echo "Installing python3-venv"; apt-get update --quiet=2 && apt-get install --yes --quiet=2 --no-install-recommends python3-venv; }
endef

define pip-install
@echo "Installing $(1) into .venv (about a minute the first time)"
@.venv/bin/pip install --disable-pip-version-check --requirement $(1) | sed -nu 's/^Collecting \([^ ]*\).*/  \1/p'
endef

.PHONY: test
test: .venv/.stamp-test ## Run every check, the quickest first; STEPS="unit mypy" runs some
	@.venv/bin/python -m tests.run $(STEPS)

.PHONY: lint unit sanity docs-lint build molecule
lint: .venv/.stamp-test ## Run the linters and the type checker
	@.venv/bin/python -m tests.run ruff yamllint mypy ansible-lint
unit: .venv/.stamp-test ## Run the unit tests
	@.venv/bin/python -m tests.run unit
sanity: .venv/.stamp-test ## Run ansible-test sanity on a copy
	@.venv/bin/python -m tests.run sanity
docs-lint: .venv/.stamp-test ## Check the collection's documentation and changelog
	@.venv/bin/python -m tests.run docs changelog
build: .venv/.stamp-test ## Build the collection, and try the artefact elsewhere
	@.venv/bin/python -m tests.run build
molecule: .venv/.stamp-test ## Run all molecule scenarios; STEPS="molecule-default" of test runs one
	@.venv/bin/python -m tests.run molecule

.PHONY: clean
clean: ## Remove the virtual environment and all caches
	rm -rf .venv .ansible .mypy_cache .pytest_cache .ruff_cache *.tar.gz
	find . -name __pycache__ -prune -exec rm -rf {} +

-include lab/lab.mk
