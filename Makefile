# Needs make, git and Python 3.11 to 3.13. Everything else is fetched into this folder, and nothing outside it changes
# but uv's package cache.

# The interpreter: the first that is new enough, or the one that is given (make PYTHON=python3.12 demo).
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(FITS)' 2>/dev/null && echo "$$python" && break; done)
endif
# A uv on PATH may be a shim with nothing behind it: only one that answers counts.
ifndef UV
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .tools/bin/uv)
endif
VENV ?= .venv
PYTEST ?=
PREFECT_API_URL ?= http://127.0.0.1:4200/api
DO_NOT_TRACK ?= true
PREFECT_SERVER_ANALYTICS_ENABLED ?= false
# As git and pip do: a company's own certificates are in the system's store, not in uv's.
UV_SYSTEM_CERTS ?= true
# As pip does: without it each first import compiles what it loads, while someone waits for their first result.
UV_COMPILE_BYTECODE ?= true

BIN := $(VENV)/bin
READY := $(VENV)/.ready
VALIDATORS := $(VENV)/validators
LOCAL := PREFECT_API_URL=$(PREFECT_API_URL)

export UV_PROJECT_ENVIRONMENT := $(VENV)
export UV_PYTHON_DOWNLOADS := never
export DO_NOT_TRACK PREFECT_SERVER_ANALYTICS_ENABLED UV_SYSTEM_CERTS UV_COMPILE_BYTECODE

.PHONY: help setup demo test test-fast lint format ci server deploy worker mlflow clean
.SILENT:

help:
	echo "make demo    set everything up and train the breast cancer model"
	echo "make test    set everything up and run the tests"
	echo "make lint    formatting, linter, types, import rules"
	echo "make ci      all that CI runs"
	echo "make server  Prefect's server; then make deploy, make worker (deployments/README.md)"
	echo "make mlflow  MLflow's pages on the models"

setup: $(READY)

demo: $(READY)
	$(BIN)/lineal run pipelines/breast_cancer.toml

# In the order of tests/conftest.py, by which the longest begin first.
test: $(READY) $(VALIDATORS)/.ready
	$(BIN)/pytest -n 3 --dist loadgroup --no-loadscope-reorder $(PYTEST)

test-fast: $(READY)
	$(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "not slow" $(PYTEST)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

ci:
	.ci/run

server: $(READY)
	$(BIN)/prefect server start

deploy: $(READY)
	$(LOCAL) $(BIN)/prefect --no-prompt work-pool create local --type process --overwrite \
		--base-job-template deployments/local.json
	PATH="$(abspath $(BIN)):$$PATH" $(LOCAL) prefect --no-prompt deploy --all

worker: $(READY)
	$(LOCAL) $(BIN)/prefect worker start --pool local

mlflow: $(READY)
	$(BIN)/mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///$${LINEAL_HOME:-.lineal}/mlflow.db}"

clean:
	rm -rf .venv .venv-* .tools

$(READY): pyproject.toml uv.lock $(filter .tools/%,$(UV))
	test -n "$(PYTHON)" && "$(PYTHON)" -c '$(FITS)' || { \
		echo "Lineal needs Python 3.11, 3.12 or 3.13; name yours: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
		exit 2; }
	echo "Installing into $(VENV) (once; it takes a minute or two) ..." >&2
	$(UV) sync --frozen --quiet --python "$$("$(PYTHON)" -c 'import sys; print(sys.executable)')"
# A new Prefect database, made ahead of the first run; without it that run makes its own.
	-$(BIN)/python -m lineal.orchestration.template
	touch $@

# Other people's tools that judge what Lineal writes, in an environment of their own (its pyproject.toml says why).
$(VALIDATORS)/.ready: tests/validators/uv.lock $(READY)
	UV_PROJECT_ENVIRONMENT=$(abspath $(VALIDATORS)) $(UV) sync --frozen --quiet --project tests/validators \
		--python $(BIN)/python
	touch $@

.tools/bin/uv:
	test -n "$(PYTHON)" || { echo "Lineal needs Python 3.11, 3.12 or 3.13 on PATH" >&2; exit 2; }
	"$(PYTHON)" -m venv .tools >&2 || { echo "$(PYTHON) cannot make virtual environments; install its venv module, \
	or uv (https://docs.astral.sh/uv)" >&2; rm -rf .tools; exit 2; }
	.tools/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1"
	touch $@
