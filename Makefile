# Each target does all of its own set-up: it makes .venv and installs what it needs.
PYTHON ?= python3.11
VENV := .venv
PY := $(VENV)/bin/python
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test lint bench firmware firmware-table install

install: $(VENV)/installed

$(VENV)/installed: setup.cfg pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --quiet --editable '.[test]'
	touch $@

demo: install
	$(PY) tools/distill.py --dataset synthetic --out runs/demo

test: install
	$(PY) -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

lint: install
	$(VENV)/bin/ruff check .

bench: install
	$(PY) tools/benchmark.py

# The model in models/utd-imu, or any run: make firmware RUN=runs/utd-imu
RUN ?= models/utd-imu
firmware: install
	$(PY) tools/firmware.py --model "$(RUN)"

firmware-table: install
	$(PY) tools/firmware.py --zoo
