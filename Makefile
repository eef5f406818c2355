# One word each. `make run` needs Python 3.11 or newer, and nothing else.
PYTHON ?= python3
BACKOFFICE = .venv/bin/backoffice

.PHONY: run install dev test canary test-spark test-compose check bench secrets stop clean lock docs steps

run: install          ## start the stack, run the main job on real input
	@$(BACKOFFICE) demo

install:              ## make .venv from the hashed lock
	@$(PYTHON) infra/install.py

dev:
	@$(PYTHON) infra/install.py --dev

test: dev             ## all tests, on a stack of their own
	@.venv/bin/python -m pytest $(ARGS)

canary: dev           ## the proof that no client's value is left anywhere: prints what was searched
	@.venv/bin/python -m pytest tests/canary $(ARGS)

test-spark:           ## the second engine's tests: installs PySpark, needs Java 17 (Debian: default-jre-headless)
	@$(PYTHON) infra/install.py --dev --spark
	@BACKOFFICE_TEST_SPARK=1 .venv/bin/python -m pytest tests/spark tests/transform/spark tests/quality/spark $(ARGS)

test-compose: dev     ## docker-compose.yml brought up for real, in an engine of the test's own: takes minutes
	@BACKOFFICE_TEST_COMPOSE=1 .venv/bin/python -m pytest tests/infra $(ARGS)

secrets:              ## production: make what is missing in ./secrets
	@infra/compose/secrets.sh

check: dev            ## style, types, room rules, the lock
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/basedpyright
	@.venv/bin/lint-imports
	@.venv/bin/python infra/lock.py --check

bench: dev            ## the numbers in bench/README.md
	@.venv/bin/python -m bench $(ARGS)

lock: dev             ## resolve the dependencies anew
	@.venv/bin/python infra/lock.py

docs: dev             ## the pictures in docs/screenshots, from the running stack; needs Debian's chromium
	@.venv/bin/python infra/screenshots.py

steps:                ## docs/steps.md and the schemas for editors, from the code
	@$(BACKOFFICE) sow steps --write docs/steps.md
	@$(BACKOFFICE) sow schema

stop:                 ## end every process; data stays
	@test ! -x $(BACKOFFICE) || $(BACKOFFICE) stack down

clean: stop           ## delete all data and the environment
	@rm -rf var .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
