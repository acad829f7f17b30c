# Everything installs what it needs, once: the stamps in .venv follow the requirements files.

PYTHON ?= $(firstword $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p; done))
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
FAST := -n 2 --ignore=tests/browser -m "not slow"

.PHONY: help run sample test test-fast lint format bench fuzz shots clean

help:
	@echo "make run        start the dashboard with its demo on http://localhost:8000"
	@echo "make sample     play the provider to it: SAMPLE=07, or a file"
	@echo "make test       every test, those in a real browser included"
	@echo "make test-fast  the tests to run all the time"
	@echo "make lint       style, formatting and types"
	@echo "make format     put the code into its form"
	@echo "make bench      figures, and the goals reached: SIZES=10k,100k BACKEND= ONLY= ROUNDS=30"
	@echo "make fuzz       random requests: REQUESTS=10000 SEED="
	@echo "make shots      take the pictures of the README anew"
	@echo "make clean      remove what was built; the data in var/ stay"

run: export DEMO = 1
run: .venv/.runtime
	@exec $(BIN)/python -m idv_dashboard.serve

sample: export DEMO = 1
sample: .venv/.runtime
	@$(BIN)/python manage.py send_sample $(or $(SAMPLE),07)

test: .venv/.dev
	@$(BIN)/python -m tests.browser.chromium
	$(BIN)/pytest --create-db $(FAST)
	$(BIN)/pytest --create-db -n 2 -m browser
	$(BIN)/pytest --create-db -n 2 --dist loadfile -m "slow and not browser"

test-fast: .venv/.dev
	$(BIN)/pytest $(FAST)

lint: export DEMO = 1
lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

shots: .venv/.dev
	$(BIN)/python -m tests.browser.shots

bench: .venv/.dev
	@$(BIN)/python -m tests.bench

fuzz: .venv/.dev
	@$(BIN)/python -m tests.fuzz

clean:
	rm -rf .venv staticfiles .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed."; exit 1; }
	$(PYTHON) -m venv --clear .venv

.venv/.runtime: requirements.txt | .venv/bin/python
	$(PIP) -r $<
	@touch $@

.venv/.dev: requirements-dev.txt | .venv/bin/python
	$(PIP) -r $<
	@touch $@
