# The front door: each target installs what it needs first (tools/setup), on a bare Debian 12 with
# make. Below are CMake presets (CMakePresets.json); the compiler ends up as build/bin/convc.
.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-all conformance lint tidy format fuzz asan tsan bench peers planner-study install clean
MAKEFLAGS += --no-print-directory

# make test runs the suites one by one, each in the slice of time that tools/test gives it.
FUZZ_SECONDS ?= 600
BENCH_ARGUMENTS ?=
# What make peers writes.
PEERS_RESULT ?= bench/results/peers.json
# What make planner-study writes, and goes on with after an interruption: remove it to measure anew.
PLANNER_STUDY_RESULT ?= bench/results/planner-study.json
PLANNER_STUDY_ARGUMENTS ?=
IMAGE ?=
PREFIX ?= /usr/local

help:
	@echo 'make build      the compiler: build/bin/convc'
	@echo 'make demo       edge pictures of a photograph (IMAGE=yours), feature maps, ResNet-50 table'
	@echo 'make test       lint and all tests but the long ones'
	@echo 'make test-all   the long forms too: FUZZ_SECONDS=$(FUZZ_SECONDS), everything under sanitizers'
	@echo 'make conformance  ONNX backend cases, 2,000 random specs against Keras; writes docs/conformance.md'
	@echo 'make bench      the core suite: speed and fraction of peak (BENCH_ARGUMENTS=...)'
	@echo 'make peers      the core suite beside oneDNN, ONNX Runtime, OpenVINO, XNNPACK and IREE, in one run'
	@echo 'make planner-study  the planner'\''s choice beside 180 other plans of each of 24 layers: PLANNER_STUDY_RESULT=FILE'
	@echo 'make lint       house rules, clang-format, clang-tidy;  make format  repairs the format'
	@echo 'make fuzz       the parsers under libFuzzer; make asan, make tsan  sanitizer suites'
	@echo 'make install    into PREFIX=$(PREFIX)'
	@echo 'make setup      what all of these need;  make clean  removes build/'

setup:
	@tools/setup build
	@tools/setup test
	@tools/setup demo

build:
	@tools/setup build
	@tools/build release convc

demo:
	@tools/setup demo
	@tools/build release convc
	@tools/demo '$(IMAGE)'

test:
	@tools/setup test
	@tools/test short

test-all:
	@tools/setup test
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/test long

conformance:
	@tools/setup test
	@tools/build release convc
	@tools/conformance onnx --update
	@tools/conformance keras --count 2000

lint:
	@tools/setup test
	@tools/build release all
	@python3 tools/lint.py --all

format:
	@tools/setup test
	@python3 tools/lint.py --reformat

fuzz asan tsan:
	@tools/setup test
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/test $@

bench:
	@tools/setup build
	@tools/build release convc
	@build/bin/convc bench bench/layers/core_suite.conv $(BENCH_ARGUMENTS)

peers:
	@tools/setup peers
	@tools/build release convc convc_peers
	@build/bin/convc bench bench/layers/core_suite.conv bench/layers/core_suite_depthwise.conv --name core_suite \
	  --peers onednn,onnxruntime,openvino,xnnpack,iree --format json $(BENCH_ARGUMENTS) >build/peers.json
	@mv build/peers.json $(PEERS_RESULT)
	@python3 tools/benchmark_tables.py

planner-study:
	@tools/setup build
	@tools/build release convc
	@python3 tools/planner_study.py --output $(PLANNER_STUDY_RESULT) $(PLANNER_STUDY_ARGUMENTS)

install: build
	@cmake --install build/release --prefix '$(PREFIX)'

clean:
	rm -rf build
