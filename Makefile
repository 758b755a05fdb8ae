# Two commands do everything a newcomer needs: `make run` and `make test`. Nothing but Python 3.11+ and make is assumed.
#
#   make run PORT=8123 DATA=/some/dir HOST=127.0.0.1 DEMO=0 RELAY_URL_FILE=relay PYTHON=python3.12

PYTHON ?= python3
# Most of a test's time is waiting for servers: one job more than two cores keeps both busy. JOBS=0: one by one.
JOBS ?= 3
VENV := .venv
PY := $(VENV)/bin/python
# Only what is said on make's own command line: a DATABASE_URL of the shell may be another product's.
OWN_DATABASE := $(if $(filter command,$(firstword $(origin DATABASE_URL))),OWN_DATABASE_URL='$(DATABASE_URL)') \
	$(if $(filter command,$(firstword $(origin DATABASE_URL_FILE))),OWN_DATABASE_URL_FILE='$(DATABASE_URL_FILE)')
NAMED := $(if $(filter command,$(firstword $(origin NAME))),TOKEN_NAME="$$NAME")
FOR_INBOUND := INBOUND=$(if $(filter command,$(firstword $(origin INBOUND))),"$$INBOUND",0)
FOR_CONTENT := CONTENT=$(if $(filter command,$(firstword $(origin CONTENT))),"$$CONTENT",0)
FOR_READING := READ_ONLY=$(if $(filter command,$(firstword $(origin READ_ONLY))),"$$READ_ONLY",0)
# What the launcher refuses a password in: everybody on the machine can read make's command line.
ON_COMMAND_LINE := $(foreach name,RELAY_URL DATABASE_URL,$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
CHECKS = $(PY) -m ruff check --quiet && $(PY) -m ruff format --check --quiet && \
	$(PY) -m mypy --no-error-summary && $(VENV)/bin/lint-imports --no-logo
FIND_PYTHON = command -v "$(PYTHON)" >/dev/null || { \
	echo "There is no '$(PYTHON)' on the PATH: install Python 3.11 or newer, or choose one with PYTHON=..." >&2; exit 1; }
MAKE_ENVIRONMENT = $(FIND_PYTHON); "$(PYTHON)" service/standalone/virtual_environment.py $(VENV) requirements.lock

.PHONY: help run link token test lint migrate schema bench proof proof-failover mutants screenshots environment environment-for-tests

help:
	@echo "make run          everything on this machine, with a demo (PORT, HOST, DATA, DEMO=0, RELAY_URL_FILE, PYTHON)"
	@echo "make link         an address that signs one browser in, beside a running make run (NAME, CONTENT=1, READ_ONLY=1, DATA)"
	@echo "make token        the API token of a running make run; with NAME=... another one (INBOUND=1, CONTENT=1, DATA)"
	@echo "make test         all checks and tests (ARGS='-k words' for some, JOBS=0 one by one)"
	@echo "make migrate      bring the database of DATABASE_URL to the newest schema"
	@echo "make schema       write migrations/schema.sql and schema.graphql from their sources"
	@echo "make bench        figures beside their ceilings (ONLY=name, FULL=1, SINK=postfix; ONLY=cpu: KINDS, TURNS, OLD=commit)"
	@echo "make proof        crashes, poisoned recipients, kills of workers (ONLY=crash, poison, recorder, inbound, campaigns, properties)"
	@echo "make proof-failover  hosts that die, freeze and are cut off, two at a time too (ROUNDS=10, PAIRS=3, SEED, PATRONI=0)"
	@echo "make mutants      whether tests notice small faults (MINUTES=20, SAMPLE=200, ONLY='gateway/outbox')"
	@echo "make screenshots  the README's pictures and every view, from the demo; what each view loads"
	@echo "make lint         ruff, mypy, import contracts"

environment:
	@$(MAKE_ENVIRONMENT)

environment-for-tests:
	@$(MAKE_ENVIRONMENT) tests/requirements.lock

run: environment
	@$(OWN_DATABASE) ON_COMMAND_LINE='$(ON_COMMAND_LINE)' exec $(PY) -m service.standalone

link: environment
	@$(NAMED) $(FOR_CONTENT) $(FOR_READING) exec $(PY) -m service.standalone.access link

token: environment
	@$(NAMED) $(FOR_INBOUND) $(FOR_CONTENT) exec $(PY) -m service.standalone.access token

# While one core checks types, the other compiles the tests, which else each job would do for itself.
test: environment-for-tests
	@$(PY) -m pytest --collect-only -q >/dev/null 2>&1 & compiling=$$!; trap 'kill $$compiling 2>/dev/null' EXIT; \
	$(CHECKS) && { wait $$compiling || true; }
	@$(PY) -m pytest -n $(JOBS) --dist loadfile $(ARGS)

lint: environment-for-tests
	@$(CHECKS)

migrate: environment
	@test -n "$$DATABASE_URL" || { echo "DATABASE_URL is missing, as in \
	DATABASE_URL=postgresql://mail@db.internal/mail make migrate" >&2; exit 1; }
	@$(PY) -m service migrate

schema: environment
	@$(PY) -m service.standalone.schema

bench: environment-for-tests
	@$(PY) -m tests.bench

proof: environment-for-tests
	@$(PY) -m tests.proof

# Patroni is a program of its own here, in an environment of its own: nothing else needs it.
proof-failover: environment-for-tests
	@"$(PYTHON)" service/standalone/virtual_environment.py .venv-patroni tests/proof/failover/patroni.lock
	@ROUNDS='$(ROUNDS)' PAIRS='$(PAIRS)' SEED='$(SEED)' PATRONI='$(PATRONI)' KEEP='$(KEEP)' $(PY) -m tests.proof.failover

mutants: environment-for-tests
	@MINUTES='$(MINUTES)' SAMPLE='$(SAMPLE)' SEED='$(SEED)' ONLY='$(ONLY)' $(PY) -m tests.mutants

screenshots: environment-for-tests
	@$(PY) -m tests.screenshots
