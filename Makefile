# Two commands are enough: `make report` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
YEAR   ?= 2023
REGION ?= 全国
# JupyterLab refuses to run as root, the only user of many containers, unless it is told to.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
.DEFAULT_GOAL := help

.PHONY: help
help:  ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml tools/build_data.py
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"qstats needs Python 3.11 or newer; this is {v.major}.{v.minor}. Try: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV) || { echo 'No venv module: apt install python3-venv, then run make again.'; rm -rf $(VENV); exit 1; }
	@echo 'Installing the pinned requirements into $(VENV) (once, a few minutes) ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: report
report: $(STAMP)  ## the annual report (YEAR=2023 REGION=全国) as one HTML file in build/
	@$(BIN)/qstats report annual --year $(YEAR) --region $(REGION) --lang zh --output build

.PHONY: check
check: $(STAMP)  ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --num-workers 2
	@$(BIN)/lint-imports

.PHONY: test
test: check  ## every check and every test
	@$(BIN)/python -m pytest -n 2 --dist worksteal

.PHONY: lab
lab: $(STAMP)  ## JupyterLab on the notebooks
	@$(BIN)/python -m jupyterlab notebooks $(AS_ROOT)

.PHONY: docs
docs: $(STAMP)  ## the documentation in docs/_build/html
	@$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo 'docs/_build/html/index.html'

.PHONY: bench
bench: $(STAMP)  ## measure; tables for docs/benchmarks.md
	@$(BIN)/python tests/benchmarks/run.py

.PHONY: lock
lock:  ## renew requirements.lock (needs uv)
	uv pip compile pyproject.toml --all-extras --group dev --group docs --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header -o requirements.lock

.PHONY: clean
clean:  ## remove build products, keep .venv
	rm -rf build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
