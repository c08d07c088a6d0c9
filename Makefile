# Daicho's commands. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= .data
PORT ?= 8080
# Two processes: the tests wait for servers more than they compute, and a machine of two cores is the smallest.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run env dev console test lint types proto lock bench clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

# The environment is made anew when a lock changes; the stamps remember what it was made from.
$(VENV)/run.stamp: requirements.lock infra/python/paths.py
	@echo "環境を作っています（最初は数分かかります）/ making the environment (some minutes, the first time) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python infra/python/paths.py
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.lock
	@echo "開発の道具を入れています / installing the tools of development …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

env: $(VENV)/run.stamp

dev: $(VENV)/dev.stamp

run: console ## start everything on this machine: PORT=8080 DATA=.data HOST=127.0.0.1
	@exec $(BIN)/python -m daicho.local run --port $(PORT) --data "$(DATA)"

console: env ## build the console and the API's documentation page, if their sources changed
	@$(BIN)/python -m daicho.local.web build

lock: ## pin the dependencies anew, with hashes
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url requirements.in -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url requirements-dev.in -o requirements-dev.lock

proto: dev ## generate libs/contracts from proto/
	$(BIN)/python libs/contracts/generate.py

lint: dev ## style, imports, protocol files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	cd proto && ../$(BIN)/buf lint

types: dev ## strict types
	$(BIN)/mypy libs/*/src services/*/src gateway/envoy/src infra/*/src

test: dev console ## every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile
	$(BIN)/python -m daicho.local.web test

bench: dev ## the figures, each beside what it is measured against
	$(BIN)/python -m tests.bench

clean: ## remove the environment, what was built, and the local data with its databases and keys
	@$(PYTHON) infra/python/clean.py $(VENV) "$(DATA)"
