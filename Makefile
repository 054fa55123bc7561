# Set-up needs git, make and Python 3.11-3.13; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 5000
# Some containers set it; every process would then compile its libraries anew, for seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install quickstart test slow lint format optimizers tasks spaces league dashboard clean
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## Make .venv with the pinned versions

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "optbench needs Python 3.11-3.13, this is %d.%d; try: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $@

quickstart: install ## 5 optimizers x 5 seeds on two embedded tasks, then the report
	$(BIN)/optbench -m experiment=quickstart

test: install ## The tests (2 processes)
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

slow: install ## The long tests: simulations, many processes
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m slow

lint: install ## Format check, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: install ## Reformat and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

optimizers: install ## Check every optimizer, write docs/optimizers.md
	$(BIN)/optbench-check optimizer=all --markdown docs/optimizers.md

tasks: install ## Check every task whose data is here, write docs/tasks.md
	$(BIN)/optbench-check task=all --markdown docs/tasks.md
	$(BIN)/python -m reports.pages.baselines

spaces: install ## Write docs/spaces.md from conf/optimizer
	$(BIN)/python -m reports.pages.spaces

league: install ## Run a tenth of the shipped league again, compare it with the file
	$(BIN)/python -m reports.pages.league_sample

dashboard: install ## MLflow on this machine only, an address a study, port 5000 (PORT=...)
	@$(BIN)/python -m bench.tracking.dashboard --port $(PORT)

clean: ## Remove .venv and caches; outputs/ stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
