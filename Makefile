# Needs Python 3.11 or newer (with venv) and make. Everything else is installed into .venv, from pinned
# versions with checked hashes; nothing outside this folder is touched.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# A process a core; files stay whole, because their tests share runs.
PYTEST_ARGS ?= -n auto --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types imports style notebooks bench lock clean

help:  ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/run.stamp  ## Set up and run the main job: three margin regimes under one storm
	@rm -rf results/demo
	@$(BIN)/crossmargin compare --seeds 12 --out results/demo

test: $(VENV)/dev.stamp  ## Set up and run the tests (PYTEST_ARGS="-k name" for some of them)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: lint types imports style  ## Lint, types, import direction, sizes (make -k check shows all failures)

lint: $(VENV)/dev.stamp
	@echo "lint:" && $(BIN)/ruff check --output-format concise .

types: $(VENV)/dev.stamp
	@echo "types:" && $(BIN)/pyright --pythonpath $(BIN)/python

imports: $(VENV)/dev.stamp
	@echo "import direction:" && $(BIN)/lint-imports --no-logo --no-cache

style: $(VENV)/dev.stamp
	@echo "house style:" && $(BIN)/python -m pytest -q -p no:cacheprovider tests/test_house_style.py

notebooks: $(VENV)/dev.stamp  ## Write notebooks/*.ipynb from their .py sources and execute them
	@$(BIN)/python notebooks/execute.py

bench: $(VENV)/run.stamp  ## Print the speed table
	@$(BIN)/crossmargin bench

# Environments. The stamps make a second run start at once when nothing changed.

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "CrossMargin needs Python 3.11 or newer; try: make PYTHON=python3.12"; exit 1; }
	@echo "creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "cannot create $(VENV); on Debian or Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing CrossMargin into $(VENV)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --only-binary :all: --require-hashes \
	  -r requirements/run.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "installing the development tools into $(VENV)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --only-binary :all: --require-hashes \
	  -r requirements/dev.txt
	@touch $@

lock:  ## Pin the newest allowed versions again (needs uv)
	uv pip compile $(LOCK) --extra build --extra dev --extra notebooks -o requirements/dev.txt
	uv pip compile $(LOCK) --extra build -c requirements/dev.txt -o requirements/run.txt

LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
  --custom-compile-command "make lock" pyproject.toml

clean:  ## Remove .venv, the demo results and caches
	@rm -rf $(VENV) results/demo build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
