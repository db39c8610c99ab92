# Two commands: `make demo` shows stayd at work, `make test` runs every test. Both need root, for the lab's network
# namespaces, and install what is missing (./setup). For the inner loop, `cargo nextest run --workspace` needs neither.

CARGO ?= cargo
# What the directors of the demo run: stayd, or keepalived for comparison.
DAEMON ?= stayd

# Where rustup and ./setup put cargo and its commands.
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: demo test build lint package bench-config bench-vrrp bench-ipvs fuzz

demo:
	@./setup demo
	@$(MAKE) --no-print-directory build
	@target/debug/demo --daemon $(DAEMON)

test:
	@./setup test
	@$(MAKE) --no-print-directory build
	@echo "test: all that needs no root"
	@$(CARGO) nextest run --workspace
	@$(CARGO) test --workspace --doc --quiet
	@echo "test: the lab's stories"
	@$(CARGO) nextest run --workspace --profile lab

# The lab runs these programs; it does not build them.
build:
	@echo "build: the workspace"
	@$(CARGO) build --workspace --lib --bins --examples

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

# The Debian package, target/debian/stayd_VERSION_ARCH.deb, which lintian has nothing against. Without waiting for a release
# build, for a trial: make package PROFILE=dev.
PROFILE ?= release

package:
	@./setup package
	@$(CARGO) build --profile $(PROFILE) -p stayd --bin stayd
	@rm -f target/debian/*.deb
	@etc/debian/build target/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/stayd target/debian
	@lintian --allow-root --info --display-info --fail-on error,warning,info target/debian/*.deb

# In the benchmarks the daemon is built alone: what the lab needs of common libraries is not to be in it.

# Reading configurations, beside keepalived; as root. The figures stand in docs/benchmarks.md.
bench-config:
	@$(CARGO) build --release -p stayd --bin stayd
	@$(CARGO) build --release -p integration --bin bench-config
	@target/release/bench-config

# Failover, cost and punctuality of VRRP, beside keepalived; as root. Some of it: make bench-vrrp PARTS="failover cpu".
PARTS ?=

bench-vrrp:
	@$(CARGO) build --release -p stayd --bin stayd
	@$(CARGO) build --release -p integration --bin bench-vrrp --bin lab-janitor
	@target/release/bench-vrrp $(PARTS)

# As a director, beside keepalived in the lab's kernel; as root. For some of it only: PARTS="start reload stop checks detect".
# Beside a newer keepalived as well: NEWEST=/path/to/keepalived.
bench-ipvs:
	@$(CARGO) build --release -p stayd --bin stayd
	@$(CARGO) build --release -p integration -p uml-xstate --lib --bins
	@target/release/bench-ipvs $(if $(PARTS),--parts "$(PARTS)") $(if $(NEWEST),--newest "$(NEWEST)")

# What to fuzz, and for how many seconds each: docs/fuzzing.md.
TARGETS ?= config_text config_tree vrrp_packet vrrp_router
SECONDS ?= 300

fuzz:
	@fuzz/run $(SECONDS) $(TARGETS)
