# Each target does its own set-up: Python 3.11, make and the package registries are enough.
PYTHON ?= python3.11
PORT ?= $(or $(ENCORE_PORT),8501)
BIN := .venv/bin

export PORT

.PHONY: run journey test check clean

run: .venv/installed
	$(BIN)/python -m core migrate
	$(BIN)/python -m core demo --if-empty
	exec $(BIN)/streamlit run app.py --server.port $(PORT)

journey: .venv/installed
	$(BIN)/python -m core journey --photos data/demo/photos --selfie data/demo/selfies/guest_01.jpg

test: .venv/installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf .venv data/local

.venv/installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
