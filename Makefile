# PF_FANOTIFY: see README.md. Everything is done by the scripts that the
# targets name; stages and progress go to stderr.

.PHONY: help run test bench bench-compare soak fuzz guest shell series import check check-quick check-bisect check-config check-race check-static coverage clean
MAKEFLAGS += --no-print-directory

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

run: ## build the patched kernel, boot it, watch and guard files in the demos
	@scripts/run

test: ## run the selftests in the guest, in four kernels, and the stress test
	@scripts/test

fuzz: ## call everything at random in the debug kernel: [CALLS=n] [SEED=n]
	@scripts/fuzz "$(CALLS)" "$(SEED)"

bench: ## what events cost, beside the system calls: out/bench.json and plots
	@scripts/bench

bench-compare: ## OLD=bench.json: what got dearer since
	@scripts/bench compare "$(OLD)"

soak: ## HOURS=n: the stress test in rounds; memory must not grow
	@scripts/soak "$(or $(HOURS),1)"

guest: ## run a program in the guest: EXEC=path [ARGS=".."] [FILES="a b"] [DEBUG=1] ...
	@$(if $(dry),$(guest),$(become $(guest)))

shell: ## an interactive shell in the guest, same options as guest
	@$(options) scripts/guest --shell

series: ## write the mails for git am to out/
	@scripts/series write

import: ## TREE=dir: make patches/ and the plain files from the commits in TREE
	@scripts/series import "$(TREE)"

check: ## all checks of the series: every commit, every base version
	@scripts/check

check-quick: ## the checks that take seconds
	@scripts/check quick

check-race: ## look for data races: the stress test and some others, with KCSAN
	@scripts/check-race

check-static: ## clang, -fanalyzer, other configurations, coccinelle: our files
	@scripts/check-static

check-config: ## the selftests for one CPU, preemptible, without modules, 32 bits
	@scripts/check-config

check-bisect: ## every commit boots and passes the tests it has
	@scripts/check-bisect

coverage: ## which lines and branches of our files the tests execute
	@scripts/coverage

clean: ## remove out/ and the cache, but for the compiler's
	@scripts/clean

# make exits with the status of the guest's program, by becoming it.
options = DEBUG='$(DEBUG)' BASE='$(BASE)' MODULE='$(MODULE)' KCSAN='$(KCSAN)' I386='$(I386)' \
	ICOUNT='$(ICOUNT)' SMP='$(SMP)' MEM='$(MEM)' ACCEL='$(ACCEL)' FILES='$(FILES)' KERNEL='$(KERNEL)'
guest = $(options) exec scripts/guest "$(EXEC)" $(ARGS)
dry = $(findstring n,$(firstword -$(MAKEFLAGS)))
ifneq ($(filter guest,$(MAKECMDGOALS)),)
load $(or $(shell scripts/make-become),$(error scripts/make-become failed))
endif
