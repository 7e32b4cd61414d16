# SPDX-License-Identifier: Apache-2.0
# Everything is installed into .venv; all paths are relative, so the checkout may lie anywhere.

PYTHON ?= python3
PY := .venv/bin/python
C_SOURCES = $(shell find native $(wildcard benchmarks) -name '*.c' -o -name '*.h' -o -name '*.cc')
CLANG_FORMAT = .venv/bin/clang-format --style=file:native/.clang-format
SUITE ?= quick
# A process more than two cores, since tests of virtual phones and of gates wait much; in the order of tests/conftest.py.
PYTEST_ARGS ?= -n 3 --dist loadgroup --no-loadscope-reorder
UV ?= uv

export HARNESS_BOOTSTRAP := $(CURDIR)/.venv/bootstrap.json
export ZIG_GLOBAL_CACHE_DIR := $(CURDIR)/build/zig-cache

.DEFAULT_GOAL := help
.PHONY: help run test test-faults lint bench bench-aarch64 bench-choice bench-peers bench-report bench-statistics bench-taint lock clean setup setup-test tools format

define bootstrap
	@command -v "$(PYTHON)" >/dev/null || { echo "error: $(PYTHON) not found; install Python 3.11 to 3.14 or name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 6))' || { echo "error: $(PYTHON) does not start or is too old; needs Python 3.11 to 3.14: make PYTHON=python3.12 ..." >&2; exit 2; }
	@"$(PYTHON)" -I harness/bootstrap.py
endef

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 22
	@echo "  With another Python: make PYTHON=python3.12 run. The tool itself: .venv/bin/harness --help"

run: setup ## build for this machine, measure the suite quick on it, write the report (SUITE=name for another)
	@.venv/bin/harness run $(SUITE) --device local

test: setup-test tools ## everything that a change must pass: lint, unit, native, virtual phones, browser
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line lint-only arm64
	$(PY) -m pytest $(PYTEST_ARGS)

KILLS ?= 50
test-faults: setup-test tools ## every fault of virtual phones, KILLS random kills; FAULTS_ARGS='-k cut': a part; writes docs/faults.md
	$(PY) -m pytest tests/integration/faults -n 2 --dist worksteal -m integration --write-faults --kills $(KILLS) $(FAULTS_ARGS)

lint: setup-test ## formatting, linters, types
	@$(MAKE) --no-print-directory lint-only

.PHONY: lint-only arm64
arm64: # many tests would wait for zig's C library of phones
	@.venv/bin/harness build --abi arm64-v8a --toolchain zig >/dev/null

lint-only:
	$(PY) -m ruff format --check harness tests $(wildcard benchmarks)
	$(PY) -m ruff check harness tests $(wildcard benchmarks)
	$(PY) -m mypy
	@echo "clang-format --dry-run -Werror native benchmarks"; $(CLANG_FORMAT) --dry-run -Werror $(C_SOURCES)
	@if command -v shellcheck >/dev/null; then shellcheck .ci/run tests/tools.sh && echo "shellcheck: done"; \
	elif [ "$$CI" = true ]; then echo "error: shellcheck is missing: apt-get install shellcheck" >&2; exit 1; \
	else echo "shellcheck: SKIPPED, not installed"; fi

format: setup-test ## format Python and C sources
	$(PY) -m ruff format harness tests $(wildcard benchmarks)
	$(PY) -m ruff check --fix harness tests $(wildcard benchmarks)
	$(CLANG_FORMAT) -i $(C_SOURCES)

bench: setup ## shares of FMA peak and memcpy; guard: published im2col against its better order (BENCH_ARGS="--no-avx512", "--help")
	$(PY) -m benchmarks.bench $(BENCH_ARGS)

bench-aarch64: setup ## arm64 without a core: loops in models, instructions and cache lines of layers (BENCH_ARGS="--parts lines")
	$(PY) -m benchmarks.aarch64 $(BENCH_ARGS)

bench-choice: setup ## auto beside the best of all candidates on random layers (BENCH_ARGS="--layers 20", "--help")
	$(PY) -m benchmarks.choice $(BENCH_ARGS)

PEERS_ARGS ?=
bench-peers: setup ## beside XNNPACK, onnxruntime, oneDNN, torch and ncnn, layer by layer (PEERS_ARGS="--quick", "--help")
	$(PY) -m benchmarks.peers $(PEERS_ARGS)

bench-report: setup-test ## harness report on runs of three sizes: time, memory, size of the page (BENCH_ARGS="--faces", "--help")
	$(PY) -m benchmarks.report $(BENCH_ARGS)

bench-statistics: setup ## intervals on simulated devices with known ratios, ours and others' (BENCH_ARGS="--write", "--real FOLDER", "--help")
	$(PY) -m benchmarks.statistics $(BENCH_ARGS)

bench-taint: setup ## a load in the middle of a run: what it taints, and what verdicts are worth (BENCH_ARGS="--help"; 6 minutes)
	$(PY) -m benchmarks.taint $(BENCH_ARGS)

lock: ## make requirements/*.txt again from pyproject.toml (needs uv; LOCK_ARGS=--upgrade for newer versions)
	@command -v "$(UV)" >/dev/null || { echo "error: $(UV) not found; name it: make lock UV=/path/to/uv" >&2; exit 2; }
	$(call lock,run,)
	$(call lock,test,--extra test --extra history --extra hosts --constraints requirements/run.txt)
	$(call farm_lock,farm-aws,x86_64-manylinux2014,3.11)
	$(call lock_of,peers,--override requirements/peers-without.in,requirements/peers.in)

lock = $(call lock_of,$(1),$(2),pyproject.toml requirements/build.in)
define lock_of
$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --only-binary :all: --fork-strategy fewest \
	--no-emit-index-url --custom-compile-command "make lock" $(LOCK_ARGS) $(2) $(3) --output-file requirements/$(1).txt
endef

# Of one platform and Python (harness/farm/wheels.py), without compilers: what a farm's host is given was built before.
define farm_lock
$(UV) pip compile --quiet --generate-hashes --python-version $(3) --python-platform $(2) --only-binary :all: \
	--no-emit-index-url --custom-compile-command "make lock" $(addprefix --no-emit-package ,cmake ninja ziglang) \
	$(LOCK_ARGS) pyproject.toml --output-file requirements/$(1).txt
endef

clean: ## remove .venv, build and caches (runs/ stays)
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find harness tests -name __pycache__ -type d -prune -exec rm -rf {} +

setup: ## install what a run needs into .venv
	$(bootstrap) run

setup-test:
	$(bootstrap) test

tools:
	@bash tests/tools.sh
