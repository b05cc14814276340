# Each target is a few lines of real work, to be typed where there is no make. `make`
# alone lists them.
PYTHON ?= python3
BIN := .venv/bin
# One thread a worker: two workers with two threads each would slow one another.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2
# Where it is set, each build would compile every imported package again: 12 s, not 6.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup assets book pdf check test colab notebooks serve links lighthouse
.PHONY: lint types lock clean evidence

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*##/  make \1	/p' Makefile

setup:  ## create .venv and install the locked versions into it
	@$(PYTHON) tools/setup.py

assets: setup  ## install the scripts that the pages load
	@$(BIN)/python -m tools.site.assets

# All pages each time: a rebuild of some would keep others' old menus, scripts and, worst,
# silence about warnings that the build before had reported.
book: assets  ## install what is missing and build the pages into _build/html
	$(BIN)/jupyter-book build . --all -W -n --keep-going -q

# The next `make book` offers it on every page.
pdf: book  ## print the book into _build/pdf/book.pdf, with the Chromium of the tests
	$(BIN)/python -m tools.browser.pdf

check: lint types  ## style, types, and the quick tests: about a minute
	$(PYTEST) -m "not browser and not slow"

test: lint types book  ## validate notebooks, code and pages
	$(BIN)/python -m tools.notebooks validate
	$(PYTEST)

colab: setup  ## run the chapters in Colab's versions, in an environment of their own
	$(BIN)/python -m tools.notebooks.colab

notebooks: setup  ## execute every chapter in place, in canonical form
	$(BIN)/python -m tools.notebooks execute

serve: book  ## build the pages and serve them at http://localhost:8000
	$(BIN)/python -m http.server --bind localhost --directory _build/html 8000

# Some of it: make evidence PARTS=costs,loops. It goes on where it was stopped.
BUDGET ?= 540
PARTS ?=
evidence: setup  ## record the book's long runs, within BUDGET seconds
	$(BIN)/python -m tools.experiments.evidence --budget $(BUDGET) --parts "$(PARTS)"

links: assets  ## try every link to another site (needs the network)
	$(BIN)/jupyter-book build . --all --builder linkcheck --path-output _build/links -W -n --keep-going -q

lighthouse: book  ## measure every chapter's page as a phone sees it
	$(BIN)/python -m tools.browser.lighthouse

lint: setup  ## check style, format and spelling of text, code and notebooks
	$(BIN)/ruff check code tools chapters
	$(BIN)/ruff format --check code tools chapters
	$(BIN)/codespell
	$(BIN)/python -m tools.notebooks check

types: setup  ## check the types that the module's functions name
	$(BIN)/mypy

# Renovate reads this line from the lock's head and repeats it: it needs the "=".
lock: setup  ## resolve pyproject.toml again into requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra=book --extra=test --universal --python-version=3.11 --generate-hashes --output-file=requirements.txt

clean:  ## remove what was built, but not the environment (delete .venv for that)
	rm -rf _build node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
