# make demo           the incident, replayed; needs nothing but a Python
# make test           all tests except the long ones of `make truth`
# make check          linters, formatter, types, layers
# make truth          the long comparison of memory and disk: every interpreter, real libraries
# make bench          the benchmarks
# make interpreters   find or fetch the interpreters and libraries that tests use
# make requirements   pin requirements/*.txt anew
# make clean          remove everything that the above have made
#
# Choose the Python that runs instep with PYTHON=..., and pass options to pytest with ARGS=...

PYTHON ?= python3
ARGS ?=
VENV := .venv
READY := $(VENV)/.complete
RUN := $(VENV)/bin/python
# Expanded on use, so that `make clean` needs no Python.
CHOSEN = $(shell sh scripts/choose_python.sh $(PYTHON))
PYTEST := $(RUN) -m pytest -n auto

.PHONY: demo test check truth bench interpreters requirements clean

demo:
	@python="$(CHOSEN)"; test -n "$$python" && PYTHONPATH=src "$$python" -m instep demo $(ARGS)

# pytest ends with 5 when it found no tests: nothing failed.
test: interpreters
	@$(PYTEST) -m "not truth" $(ARGS) || test $$? -eq 5

# ARGS go to the comparison: --interpreters 3.13, --edits 500, --seed 2, --verdicts 0 for no races.
truth: interpreters
	@$(RUN) tests/truth/run.py $(ARGS)
	@$(PYTEST) -m truth || test $$? -eq 5

check: $(READY)
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

bench: interpreters
	$(RUN) benchmarks/run.py $(ARGS)

interpreters: $(READY)
	@$(RUN) scripts/interpreters.py packages

requirements:
	sh scripts/pin_requirements.sh

$(RUN):
	@python="$(CHOSEN)"; test -n "$$python" && sh scripts/make_venv.sh "$$python" $(VENV)

$(READY): pyproject.toml requirements/dev.txt | $(RUN)
	$(RUN) -m pip --quiet --disable-pip-version-check install --require-hashes --requirement requirements/dev.txt
	$(RUN) -m pip --quiet --disable-pip-version-check install --no-build-isolation --no-deps --editable .
	@touch $@

clean:
	rm -rf $(VENV) .cache build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
