# Every target makes what it needs by itself; the first call takes a minute, later ones a second.
PYTHON ?= python3
RUN := .venv/bin
TESTS ?= tests
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(os.cpu_count() + 1, 4))') # most tests wait for a server

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

demo: ## Install everything and start Nomaflow with sample databases and jobs
	@$(PYTHON) tools/setup.py run
	@$(RUN)/nomaflow demo || [ $$? -eq 130 ] # Ctrl-C is how it ends

test: ## Install everything and run all tests (TESTS=tests/unit for some)
	@$(PYTHON) tools/setup.py test --system
ifeq ($(TESTS),tests)
	@$(RUN)/pytest -q -n $(WORKERS) tests --ignore=tests/e2e
	@$(RUN)/pytest -q tests/e2e # apart: the browser's driver keeps an event loop in its process
else
	@$(RUN)/pytest -q $(TESTS)
endif

check: ## Check format, lint, types and the import contracts, and the pages
	@$(PYTHON) tools/setup.py test
	@$(RUN)/ruff format --check --quiet .
	@$(RUN)/ruff check --quiet .
	@$(RUN)/mypy
	@$(RUN)/lint-imports
	@$(RUN)/python tools/pages.py check

format: ## Bring the code into shape
	@$(PYTHON) tools/setup.py test
	@$(RUN)/ruff format .
	@$(RUN)/ruff check --fix .

bench: ## Measure, and print the figures with their settings
	@$(PYTHON) tools/setup.py test
	@$(RUN)/python -m bench
