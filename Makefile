# SPDX-License-Identifier: Apache-2.0
# sluice.  make [all] demo check check-vm lint layers asan fuzz bench install clean;  V=1 shows the commands,
# B=DIR builds elsewhere, CC=clang is fine, WERROR=1 turns warnings into errors, FUZZ_SECONDS=n,
# TEST_JOBS=n runs that many tests side by side (2).
# As root on Debian, demo, check, lint, asan, fuzz and bench install the packages they need first.

B       ?= build
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG   ?= clang
TEST_JOBS ?= 2
Q       := $(if $(V),,@)
PREFIX  ?= /usr
VERSION := 0.1.0

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
           -Wno-unused-parameter $(if $(WERROR),-Werror)
OPT     ?= -O2
CFLAGS  ?= -g
ALLFLAGS = -std=gnu11 $(OPT) $(CFLAGS) $(WARN) $(SAN) -D_GNU_SOURCE -DSL_VERSION='"$(VERSION)"' \
           -fno-strict-aliasing -fstack-protector-strong -pthread -Iinclude -Iuserspace -Itests/lib -MMD -MP
BPF_FLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Wno-unused-parameter -Iinclude -Ibpf \
           -isystem $(firstword $(wildcard /usr/include/*-linux-gnu)) -MMD -MP
LIBS    := -lbpf -luring -ljansson -lcurl -lcares -lpcre2-8 -lsqlite3 -lcrypt -lssl -lcrypto -lseccomp -l:libboost_context.a

LIB_SRC := $(wildcard userspace/*/*.c)
CTL_SRC := $(wildcard tools/sluicectl/*.c)
UNIT    := $(wildcard tests/unit/*/*.c)
FUZZ    := $(wildcard tests/fuzz/*.c)
TESTLIB := $(wildcard tests/lib/*.c)
E2E     := $(wildcard tests/e2e/*.t)

LIB_OBJ  := $(LIB_SRC:%.c=$B/%.o) $B/userspace/kern/object.o
BPF_OBJ  := $B/bpf/gate.bpf.o
BENCH_BPF := $B/bench/xdp.bpf.o
CTL_OBJ  := $(CTL_SRC:%.c=$B/%.o)
UNIT_BIN := $(UNIT:%.c=$B/%)
BENCH_OBJ := $(patsubst %.c,$B/%.o,$(wildcard bench/lib/*.c userspace/base/*.c))
BENCH_BIN := $(patsubst %.c,$B/%,$(filter-out %.bpf.c,$(wildcard bench/*.c)))
BENCH_KERN := $B/bench/xdp $B/bench/veth
BENCH_KERN_OBJ := $(patsubst %.c,$B/%.o,$(wildcard bench/prog/*.c bench/lib/*.c))
FUZZ_BIN := $(FUZZ:tests/fuzz/%.c=$B/fuzz/%)
MANUAL   := $B/sluice.json.5
TOOLS    := $(if $(wildcard userspace/main.c),$B/sluiced) $(if $(CTL_SRC),$B/sluicectl) $(BENCH_BIN)

.PHONY: all demo check check-vm lint layers asan fuzz bench install clean packages-%
.DELETE_ON_ERROR:
.SECONDARY:

all: $(TOOLS) $(MANUAL)

$B/%.o: %.c
	$(Q)mkdir -p $(@D) && $(CC) $(ALLFLAGS) -c $< -o $@

$(BPF_OBJ) $(BENCH_BPF): $B/%.o: %.c
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_FLAGS) -c $< -o $@

$B/userspace/kern/object.o: userspace/kern/object.S $(BPF_OBJ)
	$(Q)mkdir -p $(@D) && $(CC) -DSL_GATE_OBJECT='"$(BPF_OBJ)"' -c $< -o $@

$B/libsluice.a: $(LIB_OBJ)
	$(Q)rm -f $@ && ar rcs $@ $^

$B/sluiced: $B/userspace/main.o $B/libsluice.a
	$(Q)$(CC) $(ALLFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$B/sluicectl: $(CTL_OBJ) $B/libsluice.a
	$(Q)$(CC) $(ALLFLAGS) $(LDFLAGS) $^ $(LIBS) -lpcap -o $@

# What explains the configuration is made of the tables that read it.
$B/manual: $B/tools/manual/manual.o $B/libsluice.a
	$(Q)$(CC) $(ALLFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(MANUAL): tools/manual/sluice.json.5 $B/manual
	$(Q)$B/manual <$< >$@

$B/bench/%: $B/bench/%.o $(BENCH_OBJ)
	$(Q)$(CC) $(ALLFLAGS) $(LDFLAGS) $^ $(BENCH_LIBS) -o $@
$B/bench/tokens: BENCH_LIBS := -lcrypto

$B/tests/unit/%: $B/tests/unit/%.o $(TESTLIB:%.c=$B/%.o) $B/libsluice.a
	$(Q)$(CC) $(ALLFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(BENCH_KERN): $B/bench/%: $B/bench/%.o $(BENCH_KERN_OBJ) $B/libsluice.a | $(BENCH_BPF)
	$(Q)$(CC) $(ALLFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

packages-%:
	$(Q)tools/packaging/install-packages $*

# The binaries are built by a second make: on a bare machine the compiler has only just arrived.
demo: packages-build packages-demo
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tools/demo $B

check: packages-build packages-test
	$(Q)$(MAKE) --no-print-directory all $(UNIT_BIN)
	$(Q)SLUICE_BUILD=$(abspath $B) prove -j$(TEST_JOBS) --timer $(UNIT_BIN) $(E2E)

# The same on Linux 6.1, the oldest that we promise, in an emulated machine.
check-vm: packages-build packages-test packages-vm
	$(Q)$(MAKE) --no-print-directory all $(UNIT_BIN)
	$(Q)tests/vm/run $B

asan: packages-build packages-test
	$(Q)$(MAKE) --no-print-directory check B=$B/asan OPT=-O1 \
		SAN="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"

# libFuzzer over a kept corpus; what it finds anew stays in build/.
fuzz: packages-build packages-fuzz
	$(Q)$(MAKE) --no-print-directory fuzz-bins CC=$(CLANG) B=$B/fuzzing \
		SAN="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all"
	$(Q)tools/fuzz $B/fuzzing $(or $(FUZZ_SECONDS),20)

.PHONY: fuzz-bins
fuzz-bins: $(FUZZ_BIN)

$B/fuzz/%: $B/tests/fuzz/%.o $B/libsluice.a
	$(Q)mkdir -p $(@D) && $(CC) $(ALLFLAGS) -fsanitize=fuzzer $^ $(LIBS) -o $@

lint: packages-build packages-lint layers
	$(Q)tools/lint

layers:
	$(Q)tools/layers

bench: packages-build packages-bench
	$(Q)$(MAKE) --no-print-directory all
	$(Q)bench/run $B
	$(Q)$B/bench/xdp -j $B/bench/xdp.json $(BENCH_BPF)
	$(Q)$B/bench/veth -j $B/bench/veth.json $(BENCH_BPF)

install: all
	$(Q)tools/packaging/install-files $B "$(DESTDIR)" "$(PREFIX)"

clean:
	$(Q)rm -rf $B

-include $(LIB_OBJ:.o=.d) $(BPF_OBJ:.o=.d) $(BENCH_BPF:.o=.d) $(CTL_OBJ:.o=.d) $(UNIT_BIN:=.d) $(TESTLIB:%.c=$B/%.d) $(FUZZ:%.c=$B/%.d) $B/userspace/main.d $B/tools/manual/manual.d $(BENCH_BIN:=.d) $(BENCH_OBJ:.o=.d) $(BENCH_KERN_OBJ:.o=.d)
