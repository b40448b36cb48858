# Thin: each target names what it needs and calls a script or cargo.
.DEFAULT_GOAL := help
.PHONY: help demo test faults least-privilege differential interpreters local local-stop setup setup-test build release bench-functions servers corpora bench limits calibrate convert-matrix fuzz machine report-pages docs fmt lint

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

demo: setup ## a live server and a backup become clusters, hopeless ones are refused or cleaned up; under 90 s once built
	@echo "== building (some minutes the first time)"
	@cargo build --quiet --workspace --bins
	@target/debug/demo

test: setup-test ## everything that is tested
	@scripts/test.sh

faults: setup ## each call of a seeding meets each fault that fits it; FAULTS_ARGS="--only CASE" repeats one; most of an hour
	@echo "== building (some minutes the first time)"
	@cargo build --quiet --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/faults" $(FAULTS_ARGS)

least-privilege: setup ## what fails without each action of each role; some ten minutes
	@echo "== building (some minutes the first time)"
	@cargo build --quiet --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/least-privilege" $(LEAST_PRIVILEGE_ARGS)

interpreters: setup-test ## the state machine on another interpreter, LocalStack's, in fourteen scenarios; needs root or user namespaces, a minute
	@scripts/interpreters.sh

local: setup ## start the local stack and leave it running
	@cargo build --quiet --workspace --bins
	@scripts/local-start.sh

local-stop: ## end it
	@scripts/local-stop.sh

setup: ## what the demonstration and the local stack need
	@scripts/setup.sh run

setup-test: ## what the tests need
	@scripts/setup.sh test

build: ## the functions for deployment, for sam deploy; ARCHITECTURE=x86_64 for that
	@scripts/build.sh

release: ## dist/elasticache-seeder-VERSION: functions, template and CLI that deploy without Rust
	@scripts/release.sh

bench-functions: ## size, start and memory of the functions as deployed
	@scripts/bench-functions.sh

servers: ## real Redis and Valkey servers of several versions beside the system's, in target/servers
	@scripts/servers.sh

corpora: ## the RDB files that the benchmark reads, in target/corpora; CORPORA_SCALE=0.1 makes a tenth
	@scripts/corpora.sh

bench: corpora ## rdb-scan and other readers on the same files: throughput and peak memory
	@scripts/bench.sh

limits: corpora ## what each part of reading costs alone, how close rdb-scan comes to all in turn, and what a second thread brings
	@cargo run --quiet --profile bench --package rdb-benches --bin limits

calibrate: ## predicted memory of files against that of real servers that load them; takes minutes the first time
	@scripts/calibrate.sh

differential: ## the verdict on mutated files against what real servers do when they load them; some half an hour
	@scripts/differential.sh

convert-matrix: ## files of every server at hand converted for every target and loaded there; UPDATE_DOCS=1 writes the table
	@scripts/convert_matrix.py

fuzz: ## each fuzz target for FUZZ_SECONDS (60); findings fail
	@scripts/fuzz.sh

machine: ## draw the state machine again, into docs/machine.svg
	@scripts/draw_machine.py

report-pages: setup ## pages of the report in a real Chromium: two widths, light, dark, paper; needs Chromium and npm; UPDATE_DOCS=1 makes docs/report.png
	@scripts/report-pages.sh

docs: setup-test ## write the tables in docs/ from the code and the template
	@UPDATE_DOCS=1 cargo test --quiet --package docs-tests
	@UPDATE_DOCS=1 .venv/bin/python tests/template/check.py

fmt: ## format the code
	@cargo fmt --all

lint: ## clippy, style, packaging and licenses, with warnings as errors
	@scripts/lint.sh
