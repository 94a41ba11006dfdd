# One door: `make demo` shows it, `make check` proves it; the rest are their parts.
PYTHON ?= python3
CC ?= cc
BIN := .venv/bin

C_FILES := $(wildcard csrc/*.h csrc/*/*.[ch] tests/unit_c/*.[ch] tests/programs/*.[ch] tests/*/programs/*.c benchmarks/programs/*.c)
C_INPUTS := $(wildcard csrc/*.h csrc/*.def csrc/*/*.[ch])
C_FLAGS := -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall -Wextra -Wshadow -Wvla -Icsrc
SHIM := $(wildcard csrc/preload/*.c) csrc/notify/filter.c
UNIT_C := $(patsubst tests/unit_c/%.c,build/unit_c/%,$(wildcard tests/unit_c/test_*.c))

.NOTPARALLEL:
.PHONY: venv build demo fmt lint types test test-c man compare check check-programs check-slow clean

.venv/.built: pyproject.toml setup.py $(wildcard csrc/*.py) $(C_INPUTS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e .
	touch $@

.venv/.dev: .venv/.built
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

.venv/.programs: .venv/.dev tests/real/npm-packages.txt
	$(BIN)/python -m pip install --quiet --group programs
	grep -v '^#' tests/real/npm-packages.txt | xargs $(BIN)/npm install --silent --no-audit --no-fund --prefix .venv/npm
	touch $@

venv: .venv/.dev

build: .venv/.built

demo: build
	$(BIN)/proxywrap --demo

fmt: venv
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(BIN)/clang-format -i $(C_FILES)

lint: venv
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/clang-format --dry-run -Werror $(C_FILES)
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell csrc proxywrap tests docs *.md
	for file in $(SHIM); do $(CC) $(C_FLAGS) -O2 -ffreestanding -fanalyzer -Wframe-larger-than=1536 -Werror -c $$file -o /dev/null || exit 1; done

types: venv
	$(BIN)/mypy

test: venv
	$(BIN)/python -m pytest -m "not slow"

# Each program names what it tests in a line `// sources: csrc/preload/sockaddr.c ...`.
build/unit_c/%: tests/unit_c/%.c $(C_INPUTS) $(wildcard tests/unit_c/*.h)
	mkdir -p $(@D)
	$(CC) $(C_FLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all \
		$< $$(sed -n 's,^// sources: ,,p' $<) -o $@

test-c: $(UNIT_C)
	for program in $^; do echo "# $$program"; $$program || exit 1; done

# The manual pages, from the README and what the programs tell of their options.
man: venv
	$(BIN)/python docs/manpages.py

# What proxychains4, torsocks, socksify and proxywrap make of each case of docs/CASES.md.
compare: venv
	PYTHONPATH=tests $(BIN)/python -m compare

# Real programs by name, which tests/real/*-packages.txt and the group `programs` bring.
check-programs: .venv/.programs
	$(BIN)/python -m pytest tests/real

# Other projects' own test suites, wrapped and unwrapped.
check-slow: venv
	$(BIN)/python -m pytest -m slow tests/others

check: lint types test-c test

clean:
	rm -rf build dist *.egg-info proxywrap/*.so .venv
