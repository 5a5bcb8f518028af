# Every target does its own set-up: a virtual environment with locked, hashed dependencies and the code
# generated from proto/. PYTHON picks the interpreter (3.11 or newer).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROTOS := $(wildcard proto/gate_contract/v1/*.proto)
STAMP := $(VENV)/.ready
GENERATED := $(VENV)/.generated
# Tests run in parallel processes: 3 keep the two cores of the smallest machine busy while journeys wait.
JOBS ?= 3

.PHONY: help setup proto demo test test-slow explore lint breaking torture sweep powercut fuzz bench coverage lock clean

help:
	@echo "make demo      one collector, lanes of four kinds, 200 vehicles, 200 travellers: from bytes to audited verdicts"
	@echo "make test      all tests but the slow ones"
	@echo "make test-slow the slow ones: lossy lines, thousands of reconnections"
	@echo "make explore   the properties again, with other and more examples (EXAMPLES=2000)"
	@echo "make lint      ruff, mypy --strict, import contracts, buf lint"
	@echo "make breaking  does the contract still fit what older releases send?"
	@echo "make torture   kill both programs at random, N times (200): nothing that was captured may be lost or doubled"
	@echo "make sweep, make powercut, make fuzz  a fault at every file system call, a disk without power, wild input: minutes"
	@echo "make bench     what each stage costs"
	@echo "make coverage  is every branch of journal, seal, ingest and uplink taken by a test?"
	@echo "make lock      pin dependencies anew (needs uv)"
	@echo "make setup, make proto, make clean    what the others do first: .venv and the code made from proto/; and taking both away"

$(STAMP): requirements/all.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "tidegate needs Python 3.11 or newer; '$(PYTHON)' is older or missing. Try: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "this Python cannot make virtual environments. On Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/all.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(GENERATED): $(STAMP) $(PROTOS) proto/generate.py
	$(BIN)/python proto/generate.py
	@touch $@

setup: $(GENERATED)
proto: $(GENERATED)

demo: setup
	$(BIN)/python -m edge_agent.simulate.demo

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "not slow"

# What takes minutes: lossy lines, thousands of reconnections.
test-slow: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m slow

# The properties again, each with other and more examples than `make test` asks: EXAMPLES=2000 unless told.
explore: setup
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "not slow and hypothesis" tests/unit

# The journal, the seal, the ingest and the uplink: every branch of them is taken by a test, or this fails. Only what
# tests them in its own process runs here, so it takes two minutes, not ten.
SEALED_TESTS := tests/properties tests/unit/edge_agent/journal tests/unit/edge_agent/uplink tests/unit/collector/ingest \
  $(addprefix tests/unit/gate_contract/test_,checkpoint.py envelope.py kept.py merkle.py)
SEALED := edge_agent/journal/**,edge_agent/uplink/**,collector/ingest/**,$\
  proto/gate_contract/checkpoint.py,proto/gate_contract/envelope.py,proto/gate_contract/kept.py,$\
  proto/gate_contract/merkle.py
coverage: setup
	$(BIN)/coverage erase
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadgroup -m "not slow" --cov --cov-report= $(SEALED_TESTS)
	$(BIN)/coverage report --show-missing --include='$(SEALED)' --fail-under=100

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint proto

# The wire rules: what was sent once can be read for ever. Compared with the commit before, or with CONTRACT_BASE.
CONTRACT_BASE ?= HEAD~1
breaking: setup
	@if git rev-parse -q --verify '$(CONTRACT_BASE):proto/buf.yaml' >/dev/null 2>&1; then \
	  $(BIN)/buf breaking proto --against '.git#subdir=proto,ref=$(CONTRACT_BASE)' && echo "contract: nothing breaks against $(CONTRACT_BASE)"; \
	else echo "contract: $(CONTRACT_BASE) has no contract to compare with (a first commit, or no git history)"; fi

# By hand: make torture N=10000
N ?= 200
torture: setup
	$(BIN)/python -m tests.torture kills --n $(N)

# A fault at every file system call in turn, and the disk as a power cut may leave it at every moment: by hand, minutes.
fuzz: setup
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),30)
sweep: setup
	$(BIN)/python -m tests.torture sweep --every 1
powercut: setup
	$(BIN)/python -m tests.torture powercut

bench: setup
	$(BIN)/python -m benchmarks

lock:
	uv pip compile pyproject.toml --extra edge --extra devices --extra vision --extra collector --extra postgres --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements/all.txt
	uv pip compile pyproject.toml --extra edge --extra devices --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements/edge.txt
	uv pip compile pyproject.toml --extra edge --extra devices --extra vision --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements/edge-vision.txt
	uv pip compile pyproject.toml --extra collector --extra postgres --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements/collector.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis htmlcov .coverage*
	rm -f proto/gate_contract/v1/*_pb2*
