# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Builds mtlb: the BPF programs, their skeletons, the agent, the tools and the tests. Everything it
# writes goes under $(O); `make help` lists the targets. What each room may include is not decided
# here but in scripts/arrows.sh.

VERSION := 0.1.0
O ?= build
PREFIX ?= /usr/local
DESTDIR ?=
CC := gcc
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= bpftool
CLANG_FORMAT ?= clang-format
T ?= 60

export O
# Where the lab finds what was built.
export MTLB_BUILD := $(abspath $(O))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')
find = $(sort $(shell test -d $(1) && find $(1) -type f -name '$(2)'))
# A command's output, asked for once and only when a recipe needs it: deps.sh has run by then.
once = $(eval $(1) := $(shell $(2)))$($(1))

# --- sources -------------------------------------------------------------------------------------

BPF_SRC := $(call find,bpf/prog,*.bpf.c)
SELF_BPF_SRC := $(call find,selftests,*.bpf.c)
BASE_SRC := $(call find,userspace/base,*.c)
SYS_SRC := $(call find,userspace/sys,*.c)
WIRE_SRC := $(call find,userspace/wire,*.c)
MODEL_SRC := $(call find,userspace/model,*.c)
INSPECT_SRC := $(call find,userspace/inspect,*.c)
DATAPLANE_SRC := $(call find,userspace/dataplane,*.c)
AGENT_MAIN := $(wildcard userspace/agent/main.c)
AGENT_SRC := $(filter-out userspace/agent/main.c,$(call find,userspace/agent,*.c))
PROBER_MAIN := $(wildcard userspace/prober/main.c)
PROBER_SRC := $(filter-out userspace/prober/main.c,$(call find,userspace/prober,*.c))
PROXY_MAIN := $(wildcard userspace/proxy/main.c)
PROXY_SRC := $(filter-out userspace/proxy/main.c,$(call find,userspace/proxy,*.c))
MTLB_MAIN := $(wildcard tools/mtlb/main.c)
MTLB_SRC := $(filter-out tools/mtlb/main.c,$(call find,tools/mtlb,*.c))
TOP_MAIN := $(wildcard tools/mtlb-top/main.c)
TOP_SRC := $(filter-out tools/mtlb-top/main.c,$(call find,tools/mtlb-top,*.c))
# What several tools need.
TOOLS_SRC := $(call find,tools/lib,*.c)
UNIT_SRC := $(call find,selftests/unit,*_test.c)
BPF_TEST_SRC := $(call find,selftests/bpf,*_test.c)
BENCH_SRC := $(filter-out %.bpf.c,$(wildcard selftests/bench/*.c))
BENCH_LIB_SRC := $(filter-out %.bpf.c,$(wildcard selftests/bench/lib/*.c selftests/bench/isolation/*.c \
	selftests/bench/agent/*.c))
FUZZ_SRC := $(call find,selftests/fuzz,*_fuzz.c)
VM_SRC := $(call find,selftests/vm,*.c)
# The XDP program compiled for the host, and the world it runs in: an archive each, as not every
# test wants the program's names beside its own.
HOST_SRC := $(call find,selftests/host,*.c)
RIG_SRC := selftests/bpf/rig.c selftests/bpf/rig_trace.c selftests/bpf/packet.c
# What several test programs share: linked into every one of them.
TEST_LIB_SRC := $(filter-out %.bpf.c %_test.c %_fuzz.c,$(call find,selftests/lib,*.c) \
	$(call find,selftests/unit,*.c) $(call find,selftests/bpf,*.c))

ROOMS := base sys wire model inspect dataplane agent prober proxy tools mtlb top host rig
# A linker reads archives from left to right: who needs comes before who is needed.
AGENT_ROOMS := agent dataplane model wire sys base
PROBER_ROOMS := prober wire sys base
PROXY_ROOMS := proxy model wire sys base
# A test may be of any of them: none of their names is the same.
TEST_ROOMS := prober proxy inspect $(AGENT_ROOMS)
MTLB_ROOMS := mtlb tools inspect model wire sys base
TOP_ROOMS := top tools base
# Nothing of the agent is a parser: that room would be half of what is built.
FUZZ_ROOMS := prober proxy inspect dataplane model wire sys base
SRC_base := $(BASE_SRC)
SRC_sys := $(SYS_SRC)
SRC_wire := $(WIRE_SRC)
SRC_model := $(MODEL_SRC)
SRC_inspect := $(INSPECT_SRC)
SRC_dataplane := $(DATAPLANE_SRC)
SRC_agent := $(AGENT_SRC)
SRC_prober := $(PROBER_SRC)
SRC_proxy := $(PROXY_SRC)
SRC_tools := $(TOOLS_SRC)
SRC_mtlb := $(MTLB_SRC)
SRC_top := $(TOP_SRC)
SRC_host := $(HOST_SRC)
SRC_rig := $(RIG_SRC)

# --- what is built -------------------------------------------------------------------------------

BPF_OBJ := $(BPF_SRC:%.bpf.c=$(O)/%.bpf.o)
BPF_OBJ := $(BPF_OBJ:$(O)/bpf/prog/%=$(O)/bpf/%)
SELF_BPF_OBJ := $(SELF_BPF_SRC:%.bpf.c=$(O)/%.bpf.o)
SKELS := $(BPF_OBJ:.bpf.o=.skel.h)
SELF_SKELS := $(SELF_BPF_OBJ:.bpf.o=.skel.h)
PROGRAMS := $(if $(AGENT_MAIN),$(O)/mtlbd) $(if $(PROBER_MAIN),$(O)/mtlb-prober) $(if $(PROXY_MAIN),$(O)/mtlb-proxy) \
	$(if $(MTLB_MAIN),$(O)/mtlb) $(if $(TOP_MAIN),$(O)/mtlb-top)
UNIT_BIN := $(UNIT_SRC:selftests/%.c=$(O)/test/%)
BPF_TEST_BIN := $(BPF_TEST_SRC:selftests/%.c=$(O)/test/%)
BENCH_BIN := $(BENCH_SRC:selftests/bench/%.c=$(O)/bench/%)
FUZZ_BIN := $(FUZZ_SRC:selftests/fuzz/%.c=$(O)/fuzz/%)
# The packet tests once more without sanitizers, which would be slow in an emulated machine; but for
# the one that is about sanitizers.
VM_TEST_SRC := $(filter-out %/differential_test.c,$(BPF_TEST_SRC))
VM_BIN := $(VM_SRC:selftests/vm/%.c=$(O)/vm/bin/%) $(VM_TEST_SRC:selftests/%.c=$(O)/vm/%)
FRAMES := $(O)/selftests/frames.def
FRAME_SRC := $(filter-out %/budget_test.c %/differential_test.c %/steer_test.c,$(BPF_TEST_SRC))

# obj: plain. san: gcc with sanitizers, for tests. fuzz-obj: clang with sanitizers and coverage.
obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
san = $(patsubst %.c,$(O)/san/%.o,$(1))
fuzzobj = $(patsubst %.c,$(O)/fuzz-obj/%.o,$(1))
objlib = $(patsubst %,$(O)/obj/lib%.a,$(1))
sanlib = $(patsubst %,$(O)/san/lib%.a,$(1))
fuzzlib = $(patsubst %,$(O)/fuzz-obj/lib%.a,$(1))

# --- flags ---------------------------------------------------------------------------------------

PKGS := libbpf libelf libnl-3.0 libnl-route-3.0 libnl-genl-3.0 yaml-0.1 jansson libmicrohttpd libcurl \
	libcrypto libssl libnghttp2 libpcre2-8 gnutls libseccomp
PKG_CFLAGS = $(call once,PKG_CFLAGS,pkg-config --cflags $(PKGS) cmocka)
PKG_LIBS = $(call once,PKG_LIBS,pkg-config --libs $(PKGS) && echo -lz -lm -pthread)
TOP_LIBS = $(call once,TOP_LIBS,pkg-config --libs ncursesw)
CMOCKA_LIBS = $(call once,CMOCKA_LIBS,pkg-config --libs cmocka)
MULTIARCH = $(call once,MULTIARCH,$(CC) -print-multiarch)

WARN := -Wall -Wextra -Werror
DEFS := -D_GNU_SOURCE -DMTLB_VERSION='"$(VERSION)"'
BASE_CFLAGS := -std=gnu11 -g $(WARN) $(DEFS) -I. -I$(O) -pthread
CFLAGS ?= -O2
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
LDFLAGS_PROGRAM := -pie -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)
# Lines and names are all that reports tell; with that little, and gold, two hundred programs of tests
# are linked in half the time.
SANITIZE := -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
TEST_LINK := $(SANITIZE) -fuse-ld=gold
# gcc 12 warns wrongly of these once sanitizers have rewritten the code; the plain build has them.
SAN_CFLAGS := $(SANITIZE) -Wno-maybe-uninitialized -Wno-format-truncation \
	-Wno-stringop-truncation
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g $(WARN) -I.
# Before libbpf's own headers; and packets lie as they lie: neither kernel nor CPU minds.
HOST_CFLAGS := -Iselftests/host/include -fno-sanitize=alignment
DEPGEN = -MMD -MP -MF $(@:.o=.d)

# --- targets people type -------------------------------------------------------------------------

.PHONY: help all demo lab lab-down test tests test-deb check lint bench bench-flow bench-isolation bench-agent \
	bench-health bench-tools bench-l7 bench-slow bench-build fuzz fuzz-build vm install uninstall deb deps clean format compile_commands.json FORCE

all: $(BPF_OBJ) $(SKELS) $(PROGRAMS) ## Build the BPF programs, mtlbd, mtlb-prober, mtlb-proxy, mtlb and mtlb-top (the default)

help: ## List the targets
	@echo 'make TARGET [O=build] [V=1] [TESTS="name ..."] [T=60] [PREFIX=/usr/local] [DESTDIR=]'
	@sed -n 's/^\([A-Za-z_.-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | \
		awk -F '\t' '{ printf "  %-22s %s\n", $$1, $$2 }'

demo: all | $(O)/deps-test.stamp ## Show it all at work in network namespaces: tenants, traffic, a failover, a drain
	@scripts/as-root.sh scripts/demo.sh

lab: all | $(O)/deps-test.stamp ## Build the lab (network namespaces) and leave it up to play with
	@scripts/as-root.sh scripts/lab.sh up

lab-down: ## Take the lab down
	@scripts/as-root.sh scripts/lab.sh down

# Those that TESTS picks, by the same rule as scripts/test.sh; without it all of them.
picked = $(if $(TESTS),$(foreach bin,$(1),$(if $(strip $(foreach word,$(TESTS),$(findstring $(word),$(bin)))),$(bin))),$(1))

tested = all $(O)/next/mtlbd $(SELF_BPF_OBJ) $(call picked,$(UNIT_BIN) $(BPF_TEST_BIN)) \
	$(if $(filter-out %_test,$(TESTS)),bench-build) $(if $(findstring fuzz,$(TESTS)),fuzz-build)

test: $(if $(TESTS),$(tested),tests) ## Build and run every test: unit, bpf, lab (TESTS="..." picks some, JOBS=1 one by one)
	@scripts/test.sh

tests: all $(O)/next/mtlbd $(UNIT_BIN) $(BPF_TEST_BIN) bench-build fuzz-build $(SELF_BPF_OBJ)

vm: all $(SELF_BPF_OBJ) $(VM_BIN) | $(O)/deps-vm.stamp ## Packet tests and real peers on Debian's kernels in qemu (KERNEL=6.1 or 6.12; TESTS="...")
	@scripts/vm.sh $(KERNEL)

check: lint ## The same as lint

lint: | $(O)/deps-lint.stamp ## Check format, include arrows, cppcheck and the house rules
	@scripts/lint.sh

bench: all bench-build $(O)/next/mtlbd ## Run every benchmark and print its figures
	$(Q)failed=0; for bench in $(BENCH_BIN); do scripts/as-root.sh $$bench || failed=1; done; exit $$failed

bench-flow: $(O)/bench/flow ## Run the flow benchmark alone (any other: bench-NAME)
	$(Q)scripts/as-root.sh $<

bench-isolation: all $(O)/next/mtlbd $(O)/bench/isolation ## Show that tenants cannot hurt each other: floods, rates, reloads, crashes
	$(Q)scripts/as-root.sh $(O)/bench/isolation

bench-agent: all $(O)/next/mtlbd $(O)/bench/agent $(O)/bench/health $(O)/bench/isolation ## Time the agent with 10,000 tenants and as many backends to check, and kill it 500 times
	$(Q)failed=0; scripts/as-root.sh $(O)/bench/agent || failed=1; \
	scripts/as-root.sh $(O)/bench/health || failed=1; \
	scripts/as-root.sh $(O)/bench/isolation =crash || failed=1; exit $$failed

bench-health: all $(O)/bench/health ## What checks of 10,000 backends every two seconds cost, and how evenly they go out
	$(Q)scripts/as-root.sh $(O)/bench/health

bench-tools: all $(O)/bench/tools $(O)/bench/inspect ## What it costs to look: mtlb-top at 10,000 tenants, a list of 4 million flows
	$(Q)failed=0; scripts/as-root.sh $(O)/bench/tools || failed=1; \
	scripts/as-root.sh $(O)/bench/inspect || failed=1; exit $$failed

bench-l7: all $(O)/bench/shake | $(O)/deps-test.stamp $(O)/deps-bench.stamp ## What a request costs the L7 tier, beside HAProxy (and nginx) in the same run
	$(Q)scripts/as-root.sh selftests/bench/l7.sh

bench-slow: all $(O)/bench/pace | $(O)/deps-test.stamp $(O)/deps-bench.stamp ## What slowhttptest at one tenant does to the requests of another one
	$(Q)scripts/as-root.sh selftests/bench/slow.sh

bench-%: $(O)/bench/%
	$(Q)scripts/as-root.sh $<

bench-build: $(BENCH_BIN)

fuzz: fuzz-build ## Run every fuzzer for T seconds; corpora are kept under build/fuzz
	$(Q)$(O)/fuzz/seeds $(O)/fuzz
	$(Q)mkdir -p $(O)/fuzz/top_fuzz.seeds
	$(Q)selftests/lab/recording.py 3 1000 | grep -v '^tenant t' >$(O)/fuzz/top_fuzz.seeds/recording
	$(Q)set -e; for fuzzer in $(FUZZ_BIN); do \
		mkdir -p $$fuzzer.corpus; \
		seeds=$$fuzzer.seeds; test -d $$seeds || seeds=; \
		echo "$$fuzzer: $(T) s"; \
		$$fuzzer -max_total_time=$(T) -print_final_stats=1 -artifact_prefix=$$fuzzer.crash- \
			$$fuzzer.corpus $$seeds 2>$$fuzzer.log || { tail -40 $$fuzzer.log; exit 1; }; \
		grep -E 'number_of_executed_units|new_units_added' $$fuzzer.log; \
	done

fuzz-build: $(FUZZ_BIN) $(O)/fuzz/seeds

UNITS := $(PREFIX)/lib/systemd/system
SYSUSERS := $(PREFIX)/lib/sysusers.d
DOC := $(PREFIX)/share/doc/mtlb
MAN := $(PREFIX)/share/man
BPFFS := /sys/fs/bpf/mtlb
COMPLETIONS := $(PREFIX)/share/bash-completion/completions

install: all ## Install programs, service, documents and the example configuration under PREFIX
	install -d $(addprefix $(DESTDIR),$(PREFIX)/sbin $(PREFIX)/bin $(PREFIX)/share/mtlb $(UNITS) \
		$(SYSUSERS) $(DOC) $(MAN)/man1 $(MAN)/man5 $(MAN)/man8 $(COMPLETIONS))
	install -m 755 $(O)/mtlbd $(DESTDIR)$(PREFIX)/sbin/mtlbd
	install -m 755 $(O)/mtlb-prober $(O)/mtlb-proxy $(DESTDIR)$(PREFIX)/sbin/
	install -m 755 $(O)/mtlb $(O)/mtlb-top $(DESTDIR)$(PREFIX)/bin/
	sed 's#/usr/local/#$(PREFIX)/#' scripts/systemd/mtlbd.service >$(DESTDIR)$(UNITS)/mtlbd.service
	chmod 644 $(DESTDIR)$(UNITS)/mtlbd.service
	install -m 644 scripts/systemd/mtlb.sysusers $(DESTDIR)$(SYSUSERS)/mtlb.conf
	install -m 644 docs/*.md $(DESTDIR)$(DOC)/
	install -d $(DESTDIR)$(PREFIX)/share/mtlb/monitoring
	install -m 644 docs/monitoring/*.json docs/monitoring/*.yaml $(DESTDIR)$(PREFIX)/share/mtlb/monitoring/
	$(O)/mtlb help man mtlb >$(DESTDIR)$(MAN)/man1/mtlb.1
	$(O)/mtlb help man mtlb.yaml >$(DESTDIR)$(MAN)/man5/mtlb.yaml.5
	$(O)/mtlb help man mtlbd >$(DESTDIR)$(MAN)/man8/mtlbd.8
	scripts/man.sh mtlb-prober >$(DESTDIR)$(MAN)/man8/mtlb-prober.8
	scripts/man.sh mtlb-proxy >$(DESTDIR)$(MAN)/man8/mtlb-proxy.8
	scripts/man.sh mtlb-top >$(DESTDIR)$(MAN)/man1/mtlb-top.1
	$(O)/mtlb help completion bash >$(DESTDIR)$(COMPLETIONS)/mtlb
	chmod 644 $(addprefix $(DESTDIR),$(MAN)/man1/mtlb.1 $(MAN)/man1/mtlb-top.1 \
		$(MAN)/man5/mtlb.yaml.5 $(MAN)/man8/mtlbd.8 $(MAN)/man8/mtlb-prober.8 \
		$(MAN)/man8/mtlb-proxy.8 $(COMPLETIONS)/mtlb)
	ln -sf mtlb $(DESTDIR)$(COMPLETIONS)/mtlbd
	install -d $(DESTDIR)$(PREFIX)/share/mtlb/example/tenants.d
	install -m 644 docs/example/*.yaml $(DESTDIR)$(PREFIX)/share/mtlb/example/
	install -m 644 docs/example/tenants.d/*.yaml $(DESTDIR)$(PREFIX)/share/mtlb/example/tenants.d/

# A package (DESTDIR) has nothing that runs. While mtlbd runs, its --remove fails, and so does this. The
# users own no file: nothing is left that another one of the same number could inherit.
uninstall: ## Take the dataplane down, with its pins, and remove what install put there (PURGE=yes: and /etc/mtlb, /var/lib/mtlb)
	@if test -z "$(DESTDIR)" && test -d $(BPFFS) && test -x $(PREFIX)/sbin/mtlbd; then \
		echo "$(PREFIX)/sbin/mtlbd --remove" && $(PREFIX)/sbin/mtlbd --remove; fi
	rm -f $(DESTDIR)$(PREFIX)/sbin/mtlbd $(addprefix $(DESTDIR)$(PREFIX)/sbin/,mtlb-prober mtlb-proxy) $(addprefix $(DESTDIR)$(PREFIX)/bin/,mtlb mtlb-top)
	rm -f $(DESTDIR)$(UNITS)/mtlbd.service $(DESTDIR)$(SYSUSERS)/mtlb.conf
	rm -f $(addprefix $(DESTDIR)$(MAN)/,man1/mtlb.1 man1/mtlb-top.1 man5/mtlb.yaml.5 man8/mtlbd.8 man8/mtlb-prober.8 man8/mtlb-proxy.8)
	rm -f $(addprefix $(DESTDIR)$(COMPLETIONS)/,mtlb mtlbd)
	rm -rf $(DESTDIR)$(PREFIX)/share/mtlb $(DESTDIR)$(DOC)
	@test -n "$(DESTDIR)" || for user in $$(sed -n 's/^u \([a-z-]*\) .*/\1/p' scripts/systemd/mtlb.sysusers); do \
		! getent passwd $$user >/dev/null || { echo "userdel $$user" && userdel $$user || exit 1; }; done
	$(if $(PURGE),rm -rf $(addprefix $(DESTDIR),/etc/mtlb /var/lib/mtlb /run/mtlb))

deb: all | $(O)/deps-deb.stamp ## Make a Debian package of it: build/deb/mtlb_VERSION_ARCH.deb
	$(Q)rm -rf $(O)/deb/mtlb
	$(Q)$(MAKE) --no-print-directory MAKEFLAGS= DEPS=skip install PREFIX=/usr DESTDIR=$(O)/deb/mtlb/installed >/dev/null
	$(Q)scripts/deb.sh $(VERSION)

test-deb: deb $(O)/next/mtlbd | $(DEPS_TEST) ## Try the package in a clean Debian 12: install, run, upgrade, purge (network, root)
	$(Q)scripts/as-root.sh selftests/deb/install.sh $(VERSION)

deps: ## Install the Debian packages that building, testing and linting need
	@scripts/deps.sh

format: | $(O)/deps-lint.stamp ## Format every C file in place
	$(Q)find bpf userspace tools selftests -name '*.[ch]' -print0 | xargs -0 -r $(CLANG_FORMAT) -i

clean: ## Remove everything that was built
	rm -rf $(O)
	@if test -L compile_commands.json; then rm compile_commands.json; fi

# --- packages ------------------------------------------------------------------------------------

# One stamp per group: building alone does not install the test tools. DEPS=skip trusts the machine.
$(O)/deps-%.stamp: scripts/deps.sh
	@mkdir -p $(@D)
	@$(if $(filter skip,$(DEPS)),true,scripts/deps.sh $*)
	@touch $@

DEPS_BUILD := $(O)/deps-build.stamp
DEPS_TEST := $(O)/deps-build.stamp $(O)/deps-test.stamp

# --- BPF -----------------------------------------------------------------------------------------

# The DWARF goes once BTF has been made from it: it would only be dead weight inside mtlbd.
define bpf_object
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -isystem /usr/include/$(MULTIARCH) $(DEPGEN) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@
endef

$(O)/bpf/%.bpf.o: bpf/prog/%.bpf.c $(O)/flags | $(DEPS_BUILD)
	$(bpf_object)

$(O)/selftests/%.bpf.o: selftests/%.bpf.c $(O)/flags | $(DEPS_BUILD)
	$(bpf_object)

# `bpftool gen skeleton` takes a C name: the file's, with what C does not allow made an underscore.
%.skel.h: %.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst -,_,$(notdir $*)) > $@

# --- userspace objects ---------------------------------------------------------------------------

# Every skeleton exists before any C file is compiled; the .d files say who really reads which.
$(O)/obj/%.o: %.c $(O)/flags | $(DEPS_BUILD) $(SKELS)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) $(HARDEN) $(PKG_CFLAGS) $(OWN_CFLAGS) $(DEPGEN) -c $< -o $@

$(O)/san/%.o: %.c $(O)/flags | $(DEPS_TEST) $(SKELS)
	$(call say,CC-SAN,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) $(PKG_CFLAGS) $(OWN_CFLAGS) $(DEPGEN) -c $< -o $@

$(O)/fuzz-obj/%.o: %.c $(O)/flags | $(DEPS_TEST) $(SKELS)
	$(call say,CC-FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BASE_CFLAGS) $(SANITIZE) -fsanitize=fuzzer-no-link $(PKG_CFLAGS) $(OWN_CFLAGS) \
		$(DEPGEN) -c $< -o $@

%/selftests/host/program.o %/selftests/fuzz/parse_fuzz.o: OWN_CFLAGS = $(HOST_CFLAGS)
# As far as the tests are optimized with sanitizers, too.
$(call obj,$(VM_TEST_SRC) $(TEST_LIB_SRC)): OWN_CFLAGS = -O1

# Each frame that a test is written with is a seed.
$(FRAMES): selftests/host/frames.py $(FRAME_SRC) $(wildcard selftests/bpf/*.h) | $(DEPS_TEST) \
		$(SKELS) $(SELF_SKELS)
	$(call say,FRAMES,$@)
	@mkdir -p $(@D)
	$(Q)set -e; for source in $(FRAME_SRC); do \
		$(CC) -E -P $(BASE_CFLAGS) $(PKG_CFLAGS) $$source; \
	done >$@.i
	$(Q)selftests/host/frames.py <$@.i >$@

# Only what lives in selftests may include the skeletons of selftests.
SELF_OBJ := $(call obj,$(BENCH_SRC) $(BENCH_LIB_SRC) $(HOST_SRC) $(VM_TEST_SRC) $(TEST_LIB_SRC)) \
	$(call fuzzobj,$(FUZZ_SRC) $(HOST_SRC) $(RIG_SRC)) \
	$(call san,$(UNIT_SRC) $(BPF_TEST_SRC) $(TEST_LIB_SRC) $(HOST_SRC))
$(SELF_OBJ): | $(SELF_SKELS) $(DEPS_TEST)
$(O)/obj/selftests/host/frames.o $(O)/san/selftests/host/frames.o \
	$(O)/fuzz-obj/selftests/host/frames.o: | $(FRAMES)

define archive
$(O)/obj/lib$(1).a: $(call obj,$(SRC_$(1)))
$(O)/san/lib$(1).a: $(call san,$(SRC_$(1)))
$(O)/fuzz-obj/lib$(1).a: $(call fuzzobj,$(SRC_$(1)))
endef
$(foreach room,$(ROOMS),$(eval $(call archive,$(room))))

# Made anew each time, so that a deleted source leaves no object behind in it.
%.a: $(O)/sources | $(DEPS_BUILD)
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

# --- programs ------------------------------------------------------------------------------------

$(O)/mtlbd: $(call obj,$(AGENT_MAIN)) $(call objlib,$(AGENT_ROOMS))
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_PROGRAM) -o $@ $^ $(PKG_LIBS)

$(O)/mtlb-prober: $(call obj,$(PROBER_MAIN)) $(call objlib,$(PROBER_ROOMS))
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_PROGRAM) -o $@ $^ $(PKG_LIBS)

$(O)/mtlb-proxy: $(call obj,$(PROXY_MAIN)) $(call objlib,$(PROXY_ROOMS))
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_PROGRAM) -o $@ $^ $(PKG_LIBS)

$(O)/mtlb: $(call obj,$(MTLB_MAIN)) $(call objlib,$(MTLB_ROOMS))
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_PROGRAM) -o $@ $^ $(PKG_LIBS)

$(O)/mtlb-top: $(call obj,$(TOP_MAIN)) $(call objlib,$(TOP_ROOMS))
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_PROGRAM) -o $@ $^ $(PKG_LIBS) $(TOP_LIBS)

# Another version, with another program in it (built for an older instruction set), to upgrade to and
# back in the lab.
NEXT := $(O)/next
.PRECIOUS: $(NEXT)/bpf/%.skel.h
$(NEXT)/bpf/l4_ingress.bpf.o: bpf/prog/l4_ingress.bpf.c $(O)/flags | $(DEPS_BUILD)
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -mcpu=v2 -isystem /usr/include/$(MULTIARCH) $(DEPGEN) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

$(NEXT)/obj/%.o: %.c $(NEXT)/bpf/l4_ingress.skel.h $(O)/flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -I$(NEXT) $(BASE_CFLAGS) -UMTLB_VERSION -DMTLB_VERSION='"$(VERSION)-next"' $(CFLAGS) \
		$(HARDEN) $(PKG_CFLAGS) $(DEPGEN) -c $< -o $@

# As installed, beside its mtlbd.
$(NEXT)/mtlb-prober: $(O)/mtlb-prober
	@mkdir -p $(@D)
	$(Q)ln -f $< $@

$(NEXT)/mtlb-proxy: $(O)/mtlb-proxy
	@mkdir -p $(@D)
	$(Q)ln -f $< $@

$(NEXT)/mtlbd: $(NEXT)/mtlb-prober $(NEXT)/mtlb-proxy
$(NEXT)/mtlbd: $(patsubst %,$(NEXT)/obj/userspace/%.o,base/version dataplane/kernel \
		dataplane/kernel_maps) $(call obj,$(AGENT_MAIN)) $(call objlib,$(AGENT_ROOMS))
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_PROGRAM) -o $@ $(filter-out %/mtlb-prober %/mtlb-proxy,$^) $(PKG_LIBS)

# A test of a tool is linked with that tool and not with the agent: they may use the same names.
$(O)/test/unit/tools/%: $(O)/san/selftests/unit/tools/%.o $(call sanlib,$(MTLB_ROOMS))
	$(call say,LD-SAN,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TEST_LINK) -o $@ $^ $(PKG_LIBS) $(CMOCKA_LIBS)

$(O)/test/unit/tools/mtlb-top/%: $(O)/san/selftests/unit/tools/mtlb-top/%.o $(call sanlib,$(TOP_ROOMS))
	$(call say,LD-SAN,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TEST_LINK) -o $@ $^ $(PKG_LIBS) $(TOP_LIBS) $(CMOCKA_LIBS)

$(O)/test/%: $(O)/san/selftests/%.o $(call san,$(TEST_LIB_SRC)) $(call sanlib,host $(TEST_ROOMS))
	$(call say,LD-SAN,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TEST_LINK) -o $@ $^ $(PKG_LIBS) $(CMOCKA_LIBS)

$(O)/bench/%: $(O)/obj/selftests/bench/%.o $(call obj,$(BENCH_LIB_SRC)) \
		$(call objlib,proxy inspect $(AGENT_ROOMS))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_PROGRAM) -o $@ $^ $(PKG_LIBS)

$(O)/vm/bin/%: $(O)/obj/selftests/vm/%.o
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_PROGRAM) -o $@ $^

$(O)/vm/bpf/%: $(O)/obj/selftests/bpf/%.o $(call obj,$(TEST_LIB_SRC)) \
		$(call objlib,inspect $(AGENT_ROOMS))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_PROGRAM) -o $@ $^ $(PKG_LIBS) $(CMOCKA_LIBS)

$(O)/fuzz/%: $(O)/fuzz-obj/selftests/fuzz/%.o $(call fuzzlib,host rig $(FUZZ_ROOMS))
	$(call say,LD-FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(SANITIZE) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS) $(CMOCKA_LIBS)

$(O)/fuzz/top_fuzz: $(O)/fuzz-obj/selftests/fuzz/top_fuzz.o $(call fuzzlib,$(TOP_ROOMS))
	$(call say,LD-FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(SANITIZE) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS) $(TOP_LIBS)

$(O)/fuzz/seeds: $(O)/obj/selftests/fuzz/seeds.o $(call objlib,host rig inspect $(AGENT_ROOMS))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_PROGRAM) -o $@ $^ $(PKG_LIBS) $(CMOCKA_LIBS)

# --- what make cannot see in a file's age --------------------------------------------------------

# Rewritten only when their content changes, and only then is what depends on them made again.
define remember
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(1))' > $@
endef

$(O)/flags: FORCE
	$(call remember,$(CC) $(CLANG) $(BASE_CFLAGS) $(CFLAGS) $(HARDEN) $(SAN_CFLAGS) $(BPF_CFLAGS) \
		$(HOST_CFLAGS))

$(O)/sources: FORCE
	$(call remember,$(foreach room,$(ROOMS),$(room): $(SRC_$(room));))

# --- for editors ---------------------------------------------------------------------------------

comma := ,
json = "$(subst ",\",$(subst \,\\,$(subst ',,$(1))))"
BPF_COMMAND = $(CLANG) $(BPF_CFLAGS) -isystem /usr/include/$(MULTIARCH)
C_COMMAND = $(CC) $(BASE_CFLAGS) $(CFLAGS) $(HARDEN) $(PKG_CFLAGS)
entry = {"directory": $(call json,$(CURDIR))$(comma) "file": $(call json,$(2))$(comma) \
	"arguments": [$(foreach word,$(1),$(call json,$(word))$(comma)) "-c"$(comma) $(call json,$(2))]}
ALL_C := $(sort $(AGENT_MAIN) $(PROBER_MAIN) $(MTLB_MAIN) $(TOP_MAIN) $(foreach room,$(ROOMS),$(SRC_$(room))) $(UNIT_SRC) \
	$(BPF_TEST_SRC) $(BENCH_SRC) $(BENCH_LIB_SRC) $(FUZZ_SRC) $(VM_SRC) selftests/fuzz/seeds.c $(TEST_LIB_SRC))

compile_commands.json: $(SKELS) $(SELF_SKELS) | $(DEPS_TEST) ## Tell clangd how each file is compiled
	$(file >$(O)/$@.lines)
	$(foreach src,$(BPF_SRC) $(SELF_BPF_SRC),\
		$(file >>$(O)/$@.lines,$(call entry,$(BPF_COMMAND),$(src))))
	$(foreach src,$(ALL_C),$(file >>$(O)/$@.lines,$(call entry,$(C_COMMAND) \
		$(if $(filter %/host/program.c,$(src)),$(HOST_CFLAGS)),$(src))))
	@{ echo '['; sed '/^ *$$/d; $$!s/$$/,/' $(O)/$@.lines; echo ']'; } > $(O)/$@
	@rm $(O)/$@.lines
	@ln -sfn $(O)/$@ $@

# Packages, and the systems they are tried in, have files of that name of their own.
-include $(shell test -d $(O) && find $(O) -path $(O)/deb -prune -o -type f -name '*.d' -print)
