# All commands of the project; `make` alone lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TWIST := PYTHONPATH=. $(BIN)/python -m orchestration
# Python modules, not the scripts of .venv/bin, which contain the absolute path of their Python.
DBT := unset $${!DBT_@}; cd dbt_project && TWIST_ROOT=.. ../$(BIN)/python -W ignore::RuntimeWarning:runpy -m dbt.cli.main --no-send-anonymous-usage-stats
COMPOSE := docker compose --env-file .env --project-directory . --file docker/compose.yaml
export PYTHONDONTWRITEBYTECODE := 1
# The values of a command line that hold data (Q, KEY, WHY, …) reach their command as they are: made
# with $(value …), which override keeps, make expands no $ in them, and no shell reads them.
# Downloads stay in the checkout, unless you set another cache folder.
export UV_CACHE_DIR ?= $(CURDIR)/.data/cache/uv
export PIP_CACHE_DIR ?= $(CURDIR)/.data/cache/pip

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/all.stamp ## the full environment in .venv, and dbt's manifest
	@$(call writable,dbt_project/target)
	@$(DBT) --quiet parse

.PHONY: demo
demo: $(VENV)/run.stamp ## a retailer's day from landing to facts, printed [DATA=otto | DATA=retailrocket PATH_TO=folder]
	@$(TWIST) demo --data "$${DATA:-retailer}" $(if $(value PATH_TO),--path-to "$$PATH_TO")
demo: override export DATA := $(value DATA)
demo: override export PATH_TO := $(value PATH_TO)

.PHONY: load
load: $(VENV)/run.stamp ## load what is new in the landing lake and compute what it changes [SWEEP=1 | SWEEP=all]
	@$(TWIST) load $(if $(filter 1,$(SWEEP)),--sweep late)$(if $(filter all,$(SWEEP)),--sweep all)

.PHONY: sql
sql: $(VENV)/run.stamp ## run a read-only query, print CSV [Q="select …"]
	@$(TWIST) sql "$$Q"
sql: override export Q := $(value Q)

.PHONY: rebuild
rebuild: $(VENV)/run.stamp ## read the landing lake again into a new warehouse, then swap it in [SHRINK=1 even if it holds less]
	@$(TWIST) rebuild $(if $(filter 1,$(SHRINK)),--shrink)

.PHONY: replay-late
replay-late: $(VENV)/run.stamp ## load each event that was set aside as late, once
	@$(TWIST) replay-late

.PHONY: accept
accept: $(VENV)/run.stamp ## close an unreadable object, or missing offsets [KEY=… WHY="…"]
	@$(TWIST) accept --key "$$KEY" --why "$$WHY"
accept: override export KEY := $(value KEY)
accept: override export WHY := $(value WHY)

.PHONY: forget
forget: $(VENV)/run.stamp ## erase a visitor from every store; what is counted stays [VISITOR=… or FILE=…, WHY="…", KEEP=minutes]
	@$(TWIST) forget --visitor="$$VISITOR" --file="$$FILE" --why="$$WHY" --keep $(or $(KEEP),0)
forget: override export VISITOR := $(value VISITOR)
forget: override export FILE := $(value FILE)
forget: override export WHY := $(value WHY)

.PHONY: maintain
maintain: $(VENV)/run.stamp ## compact files, expire snapshots, clean up [KEEP=minutes, default 60]
	@$(TWIST) maintain --keep $(or $(KEEP),60)

.PHONY: stream
stream: $(VENV)/all.stamp ## Kafka, Connect, S3 and loads on this machine, without Docker [RATE=50]
	@$(TWIST) stream --rate $(or $(RATE),50)

.PHONY: up
up: .env ## the same services in Docker [PRODUCER=1 streams a simulated retailer into them] [OWN_KAFKA=1] [READ_ONLY=1]
	$(COMPOSE) $(if $(OWN_KAFKA),--file docker/own-kafka.yaml) $(if $(PRODUCER),--profile producer) $(if $(READ_ONLY),--profile read-only) up --detach --build
	@echo "open http://127.0.0.1:3000: Dagster has no login, and whoever reaches it can start runs; to share it, put a proxy with a login before http://127.0.0.1:3100, which make up READ_ONLY=1 serves for those who only look (dbt_project/docs/streaming.md)"

.PHONY: pin
pin: ## print the digest and the checksum of Connect's image, for .env (needs Docker)
	@docker/connect/pin.sh

.PHONY: down
down: .env ## stop them; their data is kept
	$(COMPOSE) --profile producer --profile read-only down

.PHONY: logs
logs: .env ## follow their logs
	$(COMPOSE) logs --follow --tail 100

.PHONY: export
export: $(VENV)/run.stamp ## export closed days to the history lake as Parquet, damaged ones again [VERIFY=1 reads every file]
	@$(TWIST) export $(if $(filter 1,$(VERIFY)),--verify)

.PHONY: restore
restore: $(VENV)/run.stamp ## restore a day from the history lake into the warehouse, verified [DAY=YYYY-MM-DD]
	@$(TWIST) restore --day "$$DAY"
restore: override export DAY := $(value DAY)

.PHONY: overview
overview: $(VENV)/all.stamp ## one page with the state of the shop [CHECKS=1 runs all checks first]
	@$(TWIST) overview $(if $(filter 1,$(CHECKS)),--checks)

.PHONY: ui
ui: setup ## Dagster on this machine: http://127.0.0.1:3000 [PORT=…] [READ_ONLY=1]
	@$(TWIST) ui --port $(or $(PORT),3000) $(if $(filter 1,$(READ_ONLY)),--read-only)

.PHONY: docs
docs: $(VENV)/all.stamp ## guide, dbt docs, column lineage, contracts and overview as static pages in .data/docs
	@$(TWIST) docs

.PHONY: diff
diff: $(VENV)/run.stamp ## what your change does to the marts: rows added, removed, changed [REF=main] [LANDING=folder]
	@$(TWIST) diff --ref "$$REF" $(if $(value LANDING),--landing "$$LANDING")
diff: override export REF := $(or $(value REF),main)
diff: override export LANDING := $(value LANDING)

# sqlfluff fails without a home folder, and would read settings from yours.
.PHONY: lint
lint: $(VENV)/all.stamp ## ruff, mypy, sqlfluff
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	HOME="$$PWD" PYTHONWARNINGS=ignore $(BIN)/python -m sqlfluff lint --nocolor --processes 2 dbt_project/models

.PHONY: test
test: $(VENV)/all.stamp ## lint, and every quick test
	@$(call writable,dbt_project/target)
	@$(MAKE) --no-print-directory lint
	@$(DBT) --quiet parse  # Dagster's tests read the manifest
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not ci and not long"

.PHONY: test-all
test-all: $(VENV)/all.stamp ## the long tests too: hundreds of random histories, thirty kills
	@$(call writable,dbt_project/target)
	@$(MAKE) --no-print-directory lint
	@$(DBT) --quiet parse  # Dagster's tests read the manifest
	$(BIN)/python -m pytest -n 2 --dist worksteal

.PHONY: bench
bench: $(VENV)/all.stamp $(VENV)-bench/bench.stamp ## measure the cost of a day and a step, beside PySpark and hand-written SQL [SIZE=day] [ROWS="floor ours …"]
	@$(DBT) --quiet parse
	@$(TWIST) bench --size $(or $(SIZE),small) $(ROWS)

.PHONY: teradata-probe
teradata-probe: $(VENV)/all.stamp ## check the tests' assumptions on a real Teradata [TWIST_TERADATA_…]
	@$(TWIST) teradata-probe

.PHONY: teradata-script
teradata-script: $(VENV)/all.stamp ## print the set-up for Teradata's administrator, as one SQL file
	@$(TWIST) teradata-script

.env:
	@echo "there is no .env: cp .env.example .env, and choose the secrets in it" >&2; exit 1

# Environments: from the locks, with hashes, by uv (installed into .venv where it is absent).
# `make load` installs only what it needs; once the full environment exists, it is kept.
$(VENV)/run.stamp: requirements-run.lock
	@$(call sync,$(if $(wildcard $(VENV)/all.stamp),requirements.lock,requirements-run.lock))
	@touch $@ $(wildcard $(VENV)/all.stamp)

$(VENV)/all.stamp: requirements.lock requirements-run.lock
	@$(call sync,requirements.lock)
	@touch $(VENV)/run.stamp $@

# Spark's own environment: only the benchmark needs it.
$(VENV)-bench/bench.stamp: tests/benchmarks/requirements.lock $(VENV)/all.stamp
	@echo "environment: $(VENV)-bench from $< …"
	@export PATH="$$PWD/$(BIN):$$PATH" && uv venv --quiet --allow-existing --python $(BIN)/python $(VENV)-bench && \
	uv pip sync --quiet --python $(VENV)-bench/bin/python --require-hashes $<
	@touch $@

define sync
$(call writable,$(VENV)) && \
$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11 to 3.13 is needed, $(PYTHON) is {v[0]}.{v[1]}: make PYTHON=python3.12 …")' && \
echo "environment: $(VENV) from $(1) …" && \
{ test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); } && \
{ command -v uv >/dev/null || test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; } && \
PATH="$$PWD/$(BIN):$$PATH" uv pip sync --quiet --python $(BIN)/python --require-hashes $(1)
endef

# Fails with a clear message if a folder is not writable, such as one of another user.
define writable
for place in $(1) $(dir $(1)); do test -e $$place || continue; test -w $$place && break; \
echo "$$PWD/$$place belongs to $$(stat -c %U $$place 2>/dev/null || echo another user), and you may not write there: let its owner run chmod -R a+rwX on the checkout, or work in a clone of yours" >&2; exit 1; done
endef
