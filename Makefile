# make demo, make demo-mezo and make test are the first commands of the README; `make help` lists the rest.
GO ?= go
BIN := bin/luthier
SOURCES := $(shell find . -path ./out -prune -o \( -name '*.go' -o -name '*.wgsl' -o -name '*.[ch]' -o -path './internal/nano/words/*' \) -print)

.PHONY: help build demo demo-mezo replay-drivers kill test-drivers test-windows test fuzz quick check-output gpucheck nano docs adapter fmt clean

help:  ## what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

build: $(BIN)  ## build bin/luthier

$(BIN): $(SOURCES) go.mod
	$(GO) build -o $(BIN) ./cmd/luthier

adapter:  ## make sure that there is an adapter (installs Mesa's software adapter where none is found)
	@sh scripts/install_adapter.sh

demo: adapter build  ## fine-tune the bundled model and look at the result
	@sh scripts/demo.sh

demo-mezo: adapter build  ## train the bundled model with forward passes only, and replay the run from its log
	@sh scripts/demo_mezo.sh

replay-drivers: build  ## replay runs of one Vulkan driver on another: the same bytes (ICD=FILE; default: SwiftShader of Debian's chromium)
	@sh scripts/replay_drivers.sh $(ICD)

test-drivers: build  ## every kernel on two Vulkan drivers, short runs that follow each other, the same bytes twice (ICDS="FILE FILE"; default: lavapipe, SwiftShader)
	@sh scripts/test_drivers.sh $(ICDS)

test-windows:  ## the Windows program in Wine: every kernel, a run with its resumption, packages that touch files (needs MinGW, Wine, Xvfb)
	@sh scripts/test_windows.sh

kill: build  ## kill -9 at random moments of a run, each resumed to the same bytes (KILLS=100 SEED=1)
	@sh scripts/kill.sh $(or $(KILLS),100) $(or $(SEED),1)

test:  ## the whole suite, every kernel on the adapter included (REQUIRE_GPU=1: a skip for want of an adapter fails)
	@sh scripts/install_adapter.sh || true  # without an adapter its tests are skipped, and say so
	$(GO) vet ./...
	$(GO) test -timeout 30m ./...

fuzz:  ## every parser on changed inputs, FUZZTIME each (20s; the kept inputs run in make test too)
	@GO="$(GO)" sh scripts/fuzz.sh $(or $(FUZZTIME),20s)

quick:  ## the edit loop: no adapter, no long tests
	$(GO) test -short ./shaders ./backend ./backend/ref ./graph ./model/... ./optim ./peft ./data ./internal/lint

check-output: adapter build  ## what a run writes for TensorBoard, the hub and PEFT, read by their own packages (PYTHON=python3)
	@PYTHON="$(or $(PYTHON),python3)" sh scripts/check_output.sh

gpucheck:  ## every GPU kernel through AMD's real compiler, without a GPU (needs Mesa's RADV and a C compiler)
	$(GO) run ./internal/gpucheck/cmd

nano: adapter build  ## make the bundled model again: corpus, tokenizer, pretraining on the adapter (about half an hour on two cores)
	sh scripts/nano.sh

docs:  ## the generated tables of methods, models and settings
	$(GO) run ./internal/docs/cmd
	LUTHIER_WRITE=1 $(GO) test ./cmd/luthier -run TestSettingsPage

fmt:
	gofmt -w $$(git ls-files '*.go')

clean:
	rm -rf bin out
