# Two commands matter: `make run` starts everything, `make test` proves it.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# The stamp carries the lock's own hash: the environment is made again only when the lock or the project file changes.
STAMP := $(VENV)/.made-from-$(shell cat requirements.lock pyproject.toml 2>/dev/null | sha256sum | cut -c1-16)

# Workers and commands are started by the hundred in tests: where bytecode is not kept each compiles all of it anew.
unexport PYTHONDONTWRITEBYTECODE

# One lock for people who change Homeward; of the same versions what runs in a container, and what builds that.
LOCKS := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet

.PHONY: test-long console-assets console-bench growing-bench screenshots api-fuzz migration events api run test check env lock histories calendar picture clocks lives posting-faults faults faults-short mutants

env: $(STAMP)

$(STAMP):
	@command -v $(PYTHON) >/dev/null || { echo "Homeward needs Python 3.11: apt-get install python3.11 python3.11-venv" >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing: apt-get install python3.11-venv" >&2; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

run: env
	@exec $(BIN)/homeward run

check: env
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/pyright

test: check
	@$(BIN)/pytest

lock: env
	@command -v uv >/dev/null || { echo "Making the lock needs uv: pip install uv" >&2; exit 1; }
	$(LOCKS) pyproject.toml --extra dev -o requirements.lock
	$(LOCKS) pyproject.toml -c requirements.lock -o requirements-run.lock
	$(LOCKS) --group build -c requirements.lock -o requirements-build.lock

histories: env
	@test -n "$(VERSION)" || { echo "Say which version: make histories VERSION=0.2.0" >&2; exit 1; }
	@$(BIN)/python -m tests.replay.record $(VERSION)

calendar: env
	@test -n "$(KNOWN_TO)" -a -n "$(VERSION)" || { echo "Say: make calendar KNOWN_TO=2028-12-31 VERSION=2027-01" >&2; exit 1; }
	@$(BIN)/python deploy/calendar/grow_calendar.py $(KNOWN_TO) $(VERSION)

migration: env
	@test -n "$(NAME)" || { echo "Say what it brings: make migration NAME=what_it_brings" >&2; exit 1; }
	@$(BIN)/python deploy/migrations/draft_revision.py $(NAME)

picture: env
	@$(BIN)/homeward plan examples/missing-over-easter.json --svg docs/timeline.svg > /dev/null

clocks: env
	@$(BIN)/homeward policy show homeward --page > docs/clocks.md

api: env
	@$(BIN)/python -m tests.api.page

console-assets:
	@command -v npm >/dev/null || { echo "Making the console's assets needs npm" >&2; exit 1; }
	@deploy/console/build_assets.sh

screenshots: env
	@$(BIN)/python -m tests.browser.shots

events: env
	@$(BIN)/python -m starter.event_page > docs/events.md

lives: env
	@$(BIN)/python -m tests.starter.lives

api-fuzz: env
	@$(BIN)/python -m tests.faults.api_fuzz

console-bench: env
	@$(BIN)/python -m tests.benchmarks.console_bench

growing-bench: env
	@$(BIN)/python -m tests.benchmarks.growing_bench

# What takes long and has a shorter one beside it in `make test`: before a version is released.
test-long: env
	@$(BIN)/pytest -m long

posting-faults: env
	@$(BIN)/python -m tests.faults.ledger

faults: env
	@$(BIN)/python -m tests.faults.storm --seed $(or $(SEED),7) --episodes $(or $(EPISODES),1000) --database $(or $(DATABASE),sqlite)

faults-short: env
	@$(BIN)/pytest -o addopts="-q --timeout 300" tests/faults/test_storm.py

mutants: env
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-mutants.lock
	@$(BIN)/mutmut run
	@$(BIN)/mutmut results
