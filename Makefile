# Every command of this repository. `make help` lists them.

PYTHON ?= python3
PY := .venv/bin/python
INSTALLED := .venv/installed
# Test processes. Tests often wait for sockets and disks: one process more than two cores. They go through the
# files folder by folder, as those of a folder share the programs that they start.
WORKERS ?= 3

# Tests start hundreds of programs: without their bytecode each start takes seconds more.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo test test-clients check format generate release-protos migration requirements licences wheel \
	faults fuzz mutants bench clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(INSTALLED) ## Start ZidiMail here: SQLite and captured mail in ./data, nothing leaves this machine
	@exec $(PY) -m tools.run

demo: $(INSTALLED) ## Send one mail through each interface in a temporary folder, and show the results
	@exec $(PY) -m tools.demo

test: $(INSTALLED) ## Run all tests, on SQLite and on PostgreSQL (ARGS="-k name" for some)
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-clients: $(INSTALLED) ## Build and run the guides of docs/, gateways, and programs that others wrote (ARGS="go java" for some guides)
	@$(PY) -m tests.clients.guides $(ARGS)
	$(if $(ARGS),,@$(PY) -m tests.clients.gateways)
	$(if $(ARGS),,@$(PY) -m tests.clients.programs)
	$(if $(ARGS),,@$(PY) -m tests.clients.smtp)
	$(if $(ARGS),,@$(PY) -m tests.clients.readers)
	$(if $(ARGS),,@$(PY) -m tests.clients.spreadsheets)

check: $(INSTALLED) ## Check style, types, imports, the contract and the generated code
	@$(PY) -m tools.check

format: $(INSTALLED) ## Format code and protos
	@$(PY) -m ruff check --quiet --fix . || true
	@$(PY) -m ruff format .
	@.venv/bin/buf format --write protos

generate: $(INSTALLED) ## Write generated/ and docs/reference.md from protos/
	@$(PY) -m tools.generate
	@$(PY) -m tools.reference

release-protos: $(INSTALLED) ## Release the contract: later changes of protos/ are compared with it
	@$(PY) -m tools.generate --release

migration: $(INSTALLED) ## Draft a migration of the store's schema: make migration NAME="what it does"
	@$(PY) -m tools.migration "$(NAME)"

requirements: $(INSTALLED) ## Write requirements/ from constraints.txt: the hashes of all that is installed
	@$(PY) -m tools.requirements

licences: $(INSTALLED) ## List the licences of the packages that the product needs
	@$(PY) -m tools.bill_of_materials

wheel: $(INSTALLED) ## Build the wheel and its SBOM (CycloneDX) in dist/
	@$(PY) -m tools.bill_of_materials wheel

faults: $(INSTALLED) ## Kill programs and the database, stop a worker, attack, and count (ROUNDS=100 MEMBERS=100000 SEEDS=10)
	@$(PY) -m tests.faults --rounds $(or $(ROUNDS),100)
	@$(PY) -m tests.faults --relay $(or $(ROUNDS),100)
	@$(PY) -m tests.faults --lists $(or $(MEMBERS),100000)
	@$(PY) -m tests.faults --attacks $(or $(ATTACK_SECONDS),20)
	@$(PY) -m tests.histories --seeds $(or $(SEEDS),10)

fuzz: $(INSTALLED) ## Test the API with generated requests, and the store with generated steps (FUZZ_SECONDS=600 MODEL_EXAMPLES=20)
	@$(PY) -m tests.fuzz --seconds $(or $(FUZZ_SECONDS),600)
	@MODEL_EXAMPLES=$(or $(MODEL_EXAMPLES),20) $(PY) -m pytest -n $(WORKERS) tests/store/test_*_model.py \
		tests/store/test_statistics.py tests/store/test_webhook_history.py

mutants: $(INSTALLED) ## Put small faults into copies of the product, and list those that no test notices (MUTANTS=40 SEED=7 CHANGED=main)
	@$(PY) -m tools.mutants --count $(or $(MUTANTS),40) $(if $(SEED),--seed $(SEED)) $(if $(CHANGED),--changed $(CHANGED)) \
		$(ARGS)

bench: $(INSTALLED) ## Measure the README's figures and those of the peers (ARGS="B1 B3" for some)
	@$(PY) -m tests.bench $(ARGS)

clean: ## Remove the environment and the caches; ./data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .mutants *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml constraints.txt requirements/tools.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'ZidiMail needs Python 3.11 or newer. Name yours: make PYTHON=/path/to/python3.12 …'; exit 1; }
	@echo 'Installing into .venv …'
	@$(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(PY) -m pip download --quiet --disable-pip-version-check --no-deps --no-binary pyspf -d .venv/spf-vectors pyspf==2.0.14
	@touch $@
