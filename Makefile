# `make demo` and `make test` need nothing but Python 3.10 or newer: each makes its own .venv.
# `make test` is what to run before a commit; `make test-all` adds the tests marked slow.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ONLY ?=
VERSIONS ?= 2.18 2.21
RUN ?= runs/demo-$(shell date +%Y%m%d-%H%M%S)

# Tests of a file stay in one process, which keeps what they share; the short doctests come last.
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all mutants lint docs docs-all tutorials versions release clean

demo: $(VENV)/.installed
	$(BIN)/tfp-ebm train rbm_flow --dataset digits --output $(RUN)

test: $(VENV)/.installed-test lint
	$(PYTEST) -m "not slow"

test-all: $(VENV)/.installed-test lint
	$(PYTEST)

# Plants faults one by one, and tells which of them the tests notice: `make mutants ONLY=bijectors`.
mutants: $(VENV)/.installed-test
	$(BIN)/python -m tests.mutants $(ONLY)

# The site, in build/site: it opens from the file system and needs no network. Nothing is executed.
docs: $(VENV)/.installed-test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

docs-all: tutorials docs

# Executes the tutorials, and writes their pages: seven minutes of one core.
tutorials: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[tutorials]'
	$(BIN)/python docs/tutorials/execute.py

# Quick tests of the core with other versions of TensorFlow: `make versions VERSIONS="2.18 nightly"`.
versions: $(VENV)/.installed
	$(BIN)/python tools/versions.py $(VERSIONS)

# Builds dist/, and tests the built files in environments of their own.
release: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[release]'
	$(BIN)/python tools/release.py

lint: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m tests.readme_code build/readme.py
	$(BIN)/mypy & first=$$!; $(BIN)/basedpyright && wait $$first

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[digits]'
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
