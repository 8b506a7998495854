# SPDX-License-Identifier: MIT
# Thin: every target installs what is missing, configures a CMake preset, builds it,
# and runs a tool. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BOARDS := stm32f769i-disco f769-custom-fs
FIRMWARE := $(BOARDS) $(BOARDS:=-serial)
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: help setup setup-test setup-deb firmware sim asan guests demo test test-long install \
	deb size style bench sweep fuzz clean fresh-check
PREFIX := /usr/local
DESTDIR :=

help:
	@echo "make demo         flash a simulated board with stock dfu-util, start to end"
	@echo "make test         build everything, run every test: N passed, N failed"
	@echo "make test-long    4 MB over the serial port in blocks of 128 bytes, in a real kernel"
	@echo "make install      the host tool, its manual and udev rules: PREFIX=/usr/local DESTDIR="
	@echo "make deb          the same as a Debian package, in build/"
	@echo "make size         bytes of every firmware image"
	@echo "make bench        speed in the board's own time, and of the simulator"
	@echo "make sweep        every fault at every byte of a serial update: an hour"
	@echo "make style        formatting, static analysis, layers, figures"
	@echo "make fuzz         search the parsers for inputs that break them"
	@echo "make fresh-check  the two commands above on a new Debian 12 (root)"
	@echo "make clean        remove build/"

setup:
	@tools/setup packages.txt

# The programs that judge, and a kernel that is unpacked into build/.
setup-test:
	@tools/setup packages.txt packages-test.txt
	@tools/fetch-kernel >/dev/null

setup-deb:
	@tools/setup packages.txt packages-deb.txt

# --- builds ---

firmware: setup
	@for name in $(FIRMWARE); do tools/build firmware-$$name || exit 1; done

sim: setup
	@tools/build sim

asan: setup
	@tools/build host-asan

guests: setup
	@tools/build guests

# --- what people run ---

demo: firmware sim
	@tools/demo

test: setup-test firmware guests sim asan
	@tools/run-tests

test-long: setup-test firmware sim
	@QB_KERNEL_LONG=1 tests/system/kernel_serial_test.py -v \
	  SerialAtHighSpeed.test_four_megabytes_in_small_blocks

install: sim
	@DESTDIR='$(if $(DESTDIR),$(abspath $(DESTDIR)))' \
	  cmake --install build/sim --prefix '$(PREFIX)' --component tool --strip

deb: setup-deb sim
	@tools/deb

size: firmware
	@tools/size

bench: firmware guests sim
	@tools/bench

sweep: firmware sim
	@build/sim/tests/test.system.serial_faults every

style: asan
	@tools/style

fuzz:
	@tools/setup packages.txt packages-fuzz.txt
	@tools/fuzz

fresh-check:
	@tools/fresh-check

clean:
	rm -rf build
