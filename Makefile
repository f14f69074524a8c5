PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help dev demo test lint lab capabilities codes pictures clean

help:  ## Show these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.ready  ## Set up, then show what regtools does on a sample registry
	$(BIN)/regtools demo

test: $(VENV)/.ready  ## Run every check and every test
	$(BIN)/python -m pytest

lint: $(VENV)/.ready  ## Only the quick checks: style, types, floors, notebooks
	$(BIN)/python -m pytest -q tests/test_house.py

lab: $(VENV)/.ready  ## Open the notebooks in JupyterLab
	$(BIN)/regtools lab

capabilities: $(VENV)/.ready  ## Write the table of all registries anew
	$(BIN)/python -m tests.support.capabilities

codes: $(VENV)/.ready  ## Write the page of the diagnosis' codes anew
	$(BIN)/python -m tests.support.codes

pictures: $(VENV)/.ready  ## Take the pictures of README and docs anew
	$(BIN)/python -m tests.support.pictures

dev: $(VENV)/.ready  ## Set up only

clean:  ## Remove what these commands made
	rm -rf $(VENV) demo dist

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "regtools needs Python 3.11 to 3.13: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
