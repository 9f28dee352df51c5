# Needs make and Python 3.11 to 3.13 and nothing else. Everything is written below this folder:
# the virtual environment in .venv, caches and Airflow's home in .cache, the demo in .demo.

supported := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell $(name) -c '$(supported)' 2>/dev/null && echo $(name))))
# One more than there are processors: tests wait for databases, for processes and for each other.
JOBS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1 )))
bin := .venv/bin
uv := .cache/uv/bin/uv

# Importing airflow makes a folder in the home, unless told where else.
export AIRFLOW_HOME := $(CURDIR)/.cache/airflow
# Byte code halves Airflow's start; it stays out of the source folders.
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/pycache
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH
# What tests write lies here too, not in the machine's folder for temporary files.
export PYTEST_DEBUG_TEMPROOT := $(CURDIR)/.cache

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak lint lint-python lint-types lint-imports lint-sql bench bench-anomalies bench-approval bench-budgets bench-events bench-forecast bench-gateway bench-slack format golden lock clean
.DELETE_ON_ERROR:

help: ## print these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: .venv/.dev ## make .venv and install the locked versions, with the tools for development

demo: .venv/.runtime ## run the sample company through the real Airflow; DEMO_ONCE=1 ends by itself
	@$(bin)/twinledger demo

test: .venv/.dev ## run all tests; ARGS="-k name" for some of them
	@mkdir -p .cache
	@$(bin)/python -m pytest -n $(JOBS) $(ARGS)

soak: .venv/.dev ## fuzz every parser of bytes for SECONDS=600 in all; properties on TIMES=50 as many examples; 100 clicks at once; kills
	@mkdir -p .cache
	@$(bin)/python -m tests.fuzz --seconds $(or $(SECONDS),600)
	@EXAMPLES_TIMES=$(or $(TIMES),50) $(bin)/python -m pytest -n $(JOBS) -o timeout=14400 -m hypothesis \
		tests/reconciliation tests/rating tests/approvals
	@$(bin)/python -m tests.bench.slack_race
	@$(bin)/python -m tests.bench.approval_kills

lint: lint-python lint-types lint-imports lint-sql ## ruff, mypy, import-linter, sqlfluff

lint-python: .venv/.dev ## ruff: rules and format
	@$(bin)/ruff check
	@$(bin)/ruff format --check

lint-types: .venv/.dev ## mypy, strict
	@$(bin)/mypy

lint-imports: .venv/.dev ## import-linter: the floors
	@$(bin)/lint-imports

lint-sql: .venv/.dev ## sqlfluff over sql/
	@$(bin)/sqlfluff lint --disable-progress-bar sql

bench: .venv/.dev ## measure every format, rating and reconciliation beside the floor, then bench-slack, bench-budgets and bench-anomalies; ARGS="--memory", "--rows 200000"
	@$(bin)/python -m tests.bench $(ARGS)
	@$(if $(ARGS),,$(bin)/python -m tests.bench.slack_acks)
	@$(if $(ARGS),,$(bin)/python -m tests.bench.budgets)
	@$(if $(ARGS),,$(bin)/python -m tests.bench.anomalies)

bench-anomalies: .venv/.dev ## anomalies found and false alarms beside a 3-sigma rule and adtk, and cost; ARGS="--labelled FOLDER"
	@$(bin)/python -m tests.bench.anomalies $(ARGS)

bench-approval: .venv/.dev ## time from a click in Slack to Airflow's task resumed, with the real Airflow; ARGS="--approvals 3"
	@$(bin)/python -m tests.bench.approvals $(ARGS)

bench-budgets: .venv/.dev ## evaluate, forecast and alert 100, 1,000 and 10,000 budgets of 400 days; ARGS="--most 1000"
	@$(bin)/python -m tests.bench.budgets $(ARGS)

bench-events: .venv/.dev ## time from a vendor's notification to the ledger, with the real Airflow; ARGS="--bills 20"
	@$(bin)/python -m tests.bench.events $(ARGS)

bench-forecast: .venv/.dev ## error, coverage and cost of forecasts; ARGS="--most 1000", "--labelled FOLDER"
	@$(bin)/python -m tests.bench.forecast $(ARGS)

bench-gateway: .venv/.dev ## send events over HTTP with duplicates and a killed worker; ARGS="--seconds 10"
	@$(bin)/python -m tests.bench.gateway $(ARGS)

bench-slack: .venv/.dev ## time to acknowledge 50 interactions of Slack a second, on PostgreSQL; ARGS="--seconds 5"
	@$(bin)/python -m tests.bench.slack_acks $(ARGS)

format: .venv/.dev ## rewrite Python and SQL in the project's style
	@$(bin)/ruff check --fix-only --exit-zero
	@$(bin)/ruff format
	@$(bin)/sqlfluff fix --disable-progress-bar sql

golden: .venv/.dev ## rewrite the golden files after a wanted change; read the diff
	@mkdir -p .cache
	@$(bin)/python -m pytest -n $(JOBS) -q --update-golden $(ARGS)

lock: $(uv) ## resolve requirements/*.txt anew from pyproject.toml
	@echo 'setuptools>=77' | $(uv) pip compile -q --universal --python-version 3.11 --no-header --no-annotate \
		-o requirements/build.txt -
	@$(uv) pip compile -q --universal --python-version 3.11 --no-header --extra postgres \
		-o requirements/runtime.txt pyproject.toml
	@$(uv) pip compile -q --universal --python-version 3.11 --no-header --all-extras -c requirements/runtime.txt \
		-o requirements/dev.txt pyproject.toml

clean: ## remove everything that is not source
	@rm -rf .venv .cache .demo .twinledger .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache \
		build dist plugins/*.egg-info

.venv/.python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '$(supported)' || \
		{ echo "no Python 3.11, 3.12 or 3.13 found: install one, or name it with make PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -m venv .venv || \
		{ echo "$(PYTHON) cannot make a virtual environment: on Debian, install python3-venv" >&2; exit 1; }
	@touch $@

# The package itself comes last and without looking up anything: what it needs is installed by then.
install = $(bin)/python requirements/install.py

.venv/.build: requirements/build.txt requirements/install.py | .venv/.python
	@$(install) requirements/build.txt
	@touch $@

.venv/.runtime: requirements/runtime.txt pyproject.toml .venv/.build
	@$(install) requirements/runtime.txt
	@$(bin)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.runtime
	@$(install) requirements/dev.txt
	@touch $@

$(uv):
	@"$(PYTHON)" -m venv .cache/uv && .cache/uv/bin/pip install -q --disable-pip-version-check uv
