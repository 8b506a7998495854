#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""quadboot-attach between unmodified programs and a scripted device.

    attach_test.py --attach BUILD/host/attach/quadboot-attach
                   --slow-environment BUILD/tests/libpreload-slow-environment.so
                   [unittest options]
"""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from attach_device import FLASH, RAM, Server

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT = [sys.executable, os.path.join(HERE, "attach_client.py")]
ATTACH = None  # the program under test
SLOW_ENVIRONMENT = None  # tests/preload/slow_environment.c
NODES = ("fifo", "file")
ENUMERATION = [
    (0x80, 6, 0x0100, 0, 64), (0x80, 6, 0x0100, 0, 18), (0x80, 6, 0x0200, 0, 9),
    (0x80, 6, 0x0200, 0, 75), (0x80, 6, 0x0300, 0, 255), (0x80, 6, 0x0302, 0x0409, 255),
    (0x80, 6, 0x0301, 0x0409, 255), (0x80, 6, 0x0303, 0x0409, 255), (0x00, 9, 1, 0, 0)]
SET_INTERFACE_0 = (0x01, 11, 0, 0, 0)
SET_INTERFACE_1 = (0x01, 11, 1, 0, 0)


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited too long")
        time.sleep(0.005)


class AttachTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def path(self, name, content=None):
        path = os.path.join(self.directory.name, name)
        if content is not None:
            with open(path, "wb") as f:
                f.write(content)
        return path

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def command_line(self, *command, options=()):
        where = "127.0.0.1:%d" % self.server.port
        return [ATTACH, "--usbip", where, *options, "--", *command]

    def start(self, *command, options=(), **more):
        process = subprocess.Popen(self.command_line(*command, options=options),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, **more)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process

    def run_it(self, *command, options=(), status=0, timeout=30, env=None):
        result = subprocess.run(self.command_line(*command, options=options),
                                capture_output=True, text=True, timeout=timeout,
                                env=env, check=False)
        if status is not None and result.returncode != status:
            self.fail("exit status %d:\n%s\n%s" % (result.returncode, result.stdout,
                                                   result.stderr))
        return result

    def run_client(self, *arguments, **more):
        return self.run_it(*CLIENT, *arguments, **more).stdout.splitlines()

    def sleeps(self):
        """What the program slept, without the probe at each import."""
        return [ns for (ns,) in self.server.entries("sleep") if ns]


class DfuUtil(AttachTest):
    """The real dfu-util, with both kinds of node."""

    def test_list(self):
        for node in NODES:
            with self.subTest(node=node):
                out = self.run_it("dfu-util", "-l", options=["--node", node]).stdout
                found = [line for line in out.splitlines() if "Found DFU" in line]
                self.assertEqual(len(found), 2)
                for i, name in enumerate(("Flash  /0x08000000/16*004Kg",
                                          "External  /0x90000000/08*004Kg")):
                    self.assertTrue(any("[0483:df11] ver=0200" in line
                                        and "alt=%d" % i in line and name in line
                                        and 'serial="ABC123"' in line
                                        for line in found), found)

    def test_download_and_upload(self):
        for node in NODES:
            for alt, base, size in ((0, FLASH, 20000), (1, RAM, 4096), (1, RAM, 1)):
                with self.subTest(node=node, alt=alt, size=size):
                    image = os.urandom(size)
                    self.path("image", image)
                    where = ["-a", str(alt), "-s", "%#x:%d" % (base, size)]
                    options = ["--node", node]
                    self.run_it("dfu-util", *where[:3], hex(base), "-D",
                                self.path("image"), options=options)
                    self.assertEqual(self.server.device.memory[base][:size], image)
                    self.run_it("dfu-util", *where, "-U", self.path("back"),
                                options=options)
                    self.assertEqual(self.read("back"), image)
                    os.unlink(self.path("back"))

    def test_alternate_setting_is_put_back(self):
        self.path("image", b"x")
        self.run_it("dfu-util", "-a", "1", "-s", hex(RAM), "-D", self.path("image"))
        controls = self.server.controls()
        self.assertIn(SET_INTERFACE_1, controls)
        self.assertEqual(controls[-1], SET_INTERFACE_0)

    def test_enumeration_is_a_kernels(self):
        self.run_it("true")
        self.assertEqual(self.server.controls(), ENUMERATION)

    def test_every_poll_timeout_becomes_a_sleep(self):
        self.server.device.poll_ms = {"erase": 1234, "write": 567}
        self.path("image", os.urandom(10 * 1024))
        start = time.monotonic()
        self.run_it("dfu-util", "-a", "0", "-s", hex(FLASH), "-D", self.path("image"))
        self.assertLess(time.monotonic() - start, 5)  # of 9.4 virtual seconds
        self.assertEqual(self.sleeps(), [1234000000] * 3 + [567000000] * 10)

    def test_sleep_comes_between_its_requests(self):
        """The sleep is sent after the status that asked for it, before the next."""
        self.server.device.poll_ms = {"erase": 50}
        self.path("image", b"x" * 16)
        self.run_it("dfu-util", "-a", "0", "-s", hex(FLASH), "-D", self.path("image"))
        kinds = [e[0] for e in self.server.journal]
        at = self.server.journal.index(("sleep", 50000000))
        self.assertEqual(kinds[at - 1:at + 2], ["control", "sleep", "control"])
        self.assertEqual(self.server.journal[at - 1][2], bytes([0, 50, 0, 0, 4, 0]))
        self.assertEqual(self.server.journal[at + 1][2], bytes([0, 0, 0, 0, 5, 0]))

    def test_equal_runs_send_equal_requests(self):
        self.server.device.poll_ms = {"erase": 30, "write": 4}
        self.path("image", os.urandom(9000))
        journals = []
        for _ in range(5):
            self.server.journal.clear()
            self.run_it("dfu-util", "-a", "0", "-s", hex(FLASH), "-D",
                        self.path("image"))
            wait_until(lambda: not self.server.imported)
            journals.append(list(self.server.journal))
        for journal in journals[1:]:
            self.assertEqual(journal, journals[0])

    def test_leave(self):
        self.path("image", os.urandom(3000))
        out = self.run_it("dfu-util", "-a", "0", "-s", hex(FLASH) + ":leave", "-D",
                          self.path("image")).stdout
        self.assertIn("Transitioning to dfuMANIFEST state", out)
        self.assertEqual(self.server.dfu_requests()[-2:], ["DNLOAD", "GETSTATUS"])
        self.assertTrue(self.server.device.runtime)

    def test_leave_and_list_what_came_back(self):
        self.path("image", os.urandom(3000))
        script = ("dfu-util -a 0 -s %#x:leave -D %s && sleep 0.3 && "
                  "for i in 1 2 3 4 5 6 7 8 9 10; do dfu-util -l | grep Found && break;"
                  "done" % (FLASH, self.path("image")))
        out = self.run_it("sh", "-c", script, options=["--real-sleep"]).stdout
        self.assertIn("Found Runtime: [0483:5740]", out)
        self.assertIn("devnum=3", out)

    def detach(self, attributes):
        self.server.device.runtime = True
        self.server.device.attributes = attributes
        script = ("dfu-util -e || exit; for i in 1 2 3 4 5 6 7 8 9; do "
                  "dfu-util -l | grep 'Found DFU' && break; sleep 0.2; done")
        out = self.run_it("sh", "-c", script, options=["--real-sleep"]).stdout
        self.assertIn("Found DFU: [0483:df11]", out)
        self.assertIn("devnum=3", out)
        self.assertIn((0x21, 0, 1000, 0, 0), self.server.controls())

    def test_detach_of_a_device_that_leaves_by_itself(self):
        self.detach(0x0B)
        self.assertEqual(len(self.server.entries("import")), 2)

    def test_detach_by_a_bus_reset(self):
        """The device is another one after the reset, on the same connection."""
        self.detach(0x03)
        self.assertEqual(len(self.server.entries("import")), 1)


class Libusb(AttachTest):
    """Everything else that libusb asks of a device node."""

    def both(self, *arguments, status=0):
        for node in NODES:
            with self.subTest(node=node):
                yield self.run_client(*arguments, options=["--node", node],
                                      status=status)

    def test_bulk(self):
        sizes = (0, 1, 64, 16384, 16385, 100000)
        for lines in self.both("bulk"):
            expected = ["claim 0"]
            for size in sizes:
                expected += ["out 0 %d" % size, "in 0 True"]
            self.assertEqual(lines, expected)
        self.assertEqual([len(d) for (d,) in self.server.entries("bulk")],
                         list(sizes) * 2)

    def test_a_transfer_that_is_too_long(self):
        for lines in self.both("bulk_too_long"):
            self.assertEqual(lines, ["out -11", "status 000000000200"])
        self.assertEqual(self.server.entries("bulk"), [])

    def test_timeout_unlinks_the_transfer(self):
        for lines in self.both("timeout"):
            self.assertEqual(lines, ["in -7 b''", "status 000000000200"])
        self.assertEqual(self.server.entries("unlink"), self.server.entries("never"))
        self.assertEqual(len(self.server.entries("unlink")), 2)

    def test_requests(self):
        for lines in self.both("requests"):
            self.assertEqual(lines, [
                "speed 2", "address 2", "driver 0", "stall -9", "short 18", "out 0",
                "halt 0", "configure 0", "claim missing -5", "release unclaimed -5"])
        self.assertEqual(self.server.controls()[-2:],
                         [(0x02, 1, 0, 0x81, 0), (0x00, 9, 1, 0, 0)])

    def test_an_interface_has_one_owner(self):
        for lines in self.both("two_handles"):
            self.assertEqual(lines, ["first 0", "second -6", "configure -6", "release 0",
                                     "second 0",
                                     "status 000000000200 000000000200"])

    def test_setting_is_put_back_however_the_program_ends(self):
        for how, status in (("release", 3), ("exit", 3), ("kill", 137)):
            for lines in self.both("alternate", how, status=status):
                self.assertEqual(lines, ["set 0"])
                controls = self.server.controls()
                self.assertEqual(controls[-2:], [SET_INTERFACE_1, SET_INTERFACE_0], how)

    def test_reset_is_a_kernels(self):
        for lines in self.both("reset"):
            self.assertEqual(lines, ["reset 0", "status 000000000200"])
            # libusb itself releases the interface first.
            self.assertEqual(self.server.controls()[-12:], [
                SET_INTERFACE_1, SET_INTERFACE_0, *ENUMERATION, (0xA1, 3, 0, 0, 6)])

    def test_raw_ioctls(self):
        for lines in self.both("raw"):
            self.assertEqual(lines, [
                "speed 2", "connectinfo 2 0", "driver ENODATA", "unknown ENOTTY",
                "control 6 000000000200", "control stall EPIPE", "control out 0",
                "bulk out 3", "bulk in 3 b'abc'", "bulk in ETIMEDOUT",
                "claim 9 ENOENT", "set 7 EINVAL",
                "null EFAULT", "iso EINVAL", "short setup EINVAL", "discard EINVAL",
                "reap nothing EAGAIN", "reap waits b'late'", "alternate 0", "reset 0",
                "status 000000000200"])
            self.assertEqual(self.server.controls()[-13:], [
                SET_INTERFACE_1, *ENUMERATION, SET_INTERFACE_1, (0xA1, 3, 0, 0, 6),
                SET_INTERFACE_0])

    def test_reset_that_shows_another_device(self):
        self.server.device.changing = True
        for lines in self.both("reset"):
            self.assertEqual(lines, ["reset -5", "status -4"])

    GONE = ["reap 0 True -108", "reap ENODEV ENODEV", "submit ENODEV discard ENODEV",
            "claim ENODEV unknown ENODEV"]

    def test_ioctls_of_a_device_that_changed(self):
        self.server.device.changing = True
        for lines in self.both("raw_gone", "reset"):
            self.assertEqual(lines, ["submit 0", "reset ENODEV", *self.GONE])

    def test_ioctls_of_a_device_that_left(self):
        for node in NODES:
            with self.subTest(node=node):
                server = self.server = Server()
                self.addCleanup(server.close)
                process = self.start(*CLIENT, "raw_gone", "leave",
                                     options=["--node", node])
                self.assertEqual(process.stdout.readline(), "submit 0\n")
                server.present = False
                server.close()
                out, err = process.communicate(timeout=10)
                self.assertEqual(out.splitlines(), self.GONE, err)

    def test_unplug_and_return_are_announced(self):
        process = self.start(*CLIENT, "hotplug", "3")
        self.assertEqual(process.stdout.readline(), "arrived 0xdf11 2\n")
        self.server.device.runtime = True
        self.server.unplug()
        out, err = process.communicate(timeout=20)
        self.assertEqual(out.splitlines(), ["left 0xdf11 2", "arrived 0x5740 3"], err)
        self.assertEqual(process.returncode, 0)


class Sleeps(AttachTest):
    """Sleeps of any program pass in virtual time, or else really."""

    def test_every_kind_of_sleep(self):
        lines = self.run_client("sleeps")
        self.assertEqual(lines, ["nanosleep 0", "clock_nanosleep 0", "usleep 0",
                                 "sleep 0", "fast True"])
        self.assertEqual(self.sleeps(),
                         [1500000000, 1500000000, 2500000000, 3000000000])

    def test_the_sleep_program(self):
        start = time.monotonic()
        self.run_it("sleep", "20.5")
        self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(sum(self.sleeps()), 20500000000)

    def test_threads_and_processes_do_not_disturb_each_other(self):
        self.assertEqual(self.run_client("threads"), ["slept 160"])
        self.assertEqual(sorted(self.sleeps()),
                         sorted(10**9 + n * 100 + i for n in range(16) for i in range(10)))
        self.server.journal.clear()
        self.run_it("sh", "-c", "for i in 11 12 13 14 15; do sleep $i & done; wait")
        self.assertEqual(sorted(self.sleeps()), [n * 10**9 for n in range(11, 16)])

    def assert_real(self, seconds, *command, **more):
        start = time.monotonic()
        self.run_it(*command, **more)
        self.assertGreater(time.monotonic() - start, seconds)

    def test_real_sleep_option(self):
        self.assert_real(0.4, "sleep", "0.4", options=["--real-sleep"])
        self.assertEqual(self.server.entries("sleep"), [])

    def test_a_server_that_refuses(self):
        self.server.sleeps = "refuse"
        self.assert_real(0.4, "sleep", "0.4")
        self.assertEqual(self.server.entries("sleep"), [(0,)])

    def test_a_server_that_hangs_up_on_sleeps(self):
        """As a stock server does; the device is imported again without them."""
        self.server.sleeps = "hang up"
        self.assert_real(0.4, "sh", "-c", "dfu-util -l | grep -q Found && sleep 0.4")
        self.assertEqual(len(self.server.entries("import")), 2)

    def test_a_server_that_ignores_sleeps(self):
        self.server.sleeps = "ignore"
        self.assert_real(0.4, "sh", "-c", "dfu-util -l | grep -q Found && sleep 0.4")

    def test_without_a_device(self):
        """The server dies in the middle: what is left of the sleeping is real."""
        process = self.start("sh", "-c", "echo ready; read line; sleep 0.4; echo done",
                             stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "ready\n")
        self.server.present = False
        self.server.close()
        wait_until(lambda: not self.server.imported)
        time.sleep(0.1)
        start = time.monotonic()
        out, _ = process.communicate("\n", timeout=20)
        self.assertEqual((out, process.returncode), ("done\n", 0))
        self.assertGreater(time.monotonic() - start, 0.39)

    def test_a_server_that_dies_during_a_sleep(self):
        process = self.start("sh", "-c", "echo ready; read line; sleep 0.4; echo done",
                             stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "ready\n")
        self.server.sleeps = "ignore"
        process.stdin.write("\n")
        process.stdin.flush()
        time.sleep(0.5)
        self.assertIsNone(process.poll())  # virtual time stands still
        self.server.present = False
        self.server.close()
        start = time.monotonic()
        out, _ = process.communicate(timeout=20)
        self.assertEqual((out, process.returncode), ("done\n", 0))
        self.assertGreater(time.monotonic() - start, 0.39)

    def test_a_program_that_closed_the_socket(self):
        code = ("import os, time, ctypes\n"
                "os.closerange(3, 1000)\n"
                "start = time.monotonic()\n"
                "ctypes.CDLL(None).usleep(400000)\n"
                "print(time.monotonic() - start > 0.39)")
        self.assertEqual(self.run_it(sys.executable, "-c", code).stdout, "True\n")
        self.assertEqual(self.sleeps(), [])


class Ends(AttachTest):
    """However it ends: the right exit status, one sentence, no hang."""

    def assert_sentence(self, stderr, *parts):
        lines = stderr.splitlines()
        self.assertEqual(len(lines), 1, stderr)
        self.assertTrue(lines[0].startswith("quadboot-attach: "), lines[0])
        self.assertTrue(lines[0].endswith("."), lines[0])
        for part in parts:
            self.assertIn(part, lines[0])

    def test_exit_status_is_the_commands(self):
        for status in (0, 1, 42, 255):
            result = self.run_it("sh", "-c", "exit %d" % status, status=status)
            self.assertEqual((result.stdout, result.stderr), ("", ""))
        self.run_it("sh", "-c", "kill -TERM $$", status=128 + 15)
        self.run_it("sh", "-c", "kill -KILL $$", status=128 + 9)

    def test_command_that_cannot_be_run(self):
        result = self.run_it("/does/not/exist", status=127)
        self.assert_sentence(result.stderr, "/does/not/exist", "No such file")
        result = self.run_it(self.directory.name, status=127)
        self.assert_sentence(result.stderr, "Permission denied")

    def test_arguments_and_streams_are_passed_on(self):
        result = subprocess.run(
            self.command_line("sh", "-c", 'cat; echo "$@" >&2', "sh", "--a b", "", "-c"),
            input="in\n", capture_output=True, text=True, timeout=30, check=True)
        self.assertEqual((result.stdout, result.stderr), ("in\n", "--a b  -c\n"))

    def test_environment_is_clean(self):
        out = self.run_it("env").stdout
        self.assertNotIn("QUADBOOT_ATTACH", out)
        preload = [line for line in out.splitlines() if line.startswith("LD_PRELOAD=")][0]
        self.assertEqual(preload.count("libumockdev-preload"), 1)
        self.assertEqual(preload.count("libquadboot-sleep"), 1)

    def test_a_thread_that_reads_the_environment_slowly(self):
        """umockdev's reads it while the first one sets a variable."""
        environment = dict(os.environ, LD_PRELOAD=SLOW_ENVIRONMENT,
                           ASAN_OPTIONS="verify_asan_link_order=0")
        result = self.run_it("echo", "started", env=environment)
        self.assertEqual((result.stdout, result.stderr), ("started\n", ""))

    def test_wrong_options(self):
        for line, part in ((["--node", "pipe", "true"], "auto, file or fifo"),
                           (["--frob", "true"], "--frob"), (["--usbip"], "--usbip"),
                           (["--usbip", "a:b:c", "true"], "HOST:PORT"),
                           (["--verbose", "--"], "COMMAND")):
            result = subprocess.run([ATTACH, *line], capture_output=True, text=True,
                                    timeout=10, check=False)
            self.assertEqual(result.returncode, 2)
            self.assert_sentence(result.stderr, part)

    def test_help(self):
        result = subprocess.run([ATTACH, "--help"], capture_output=True, text=True,
                                timeout=10, check=True)
        self.assertIn("Usage: quadboot-attach", result.stdout)

    def test_server_from_the_environment(self):
        environment = dict(os.environ, QUADBOOT_USBIP="127.0.0.1:%d" % self.server.port)
        subprocess.run([ATTACH, "true"], env=environment, timeout=30, check=True)
        self.assertEqual(len(self.server.entries("import")), 1)

    def test_no_device_within_ten_seconds(self):
        """Four reasons, waited for side by side."""
        dead, empty, busy, slow = (Server() for _ in range(4))
        for server in (empty, busy, slow):
            self.addCleanup(server.close)
        dead.close()
        empty.present, busy.imported, slow.admit = False, True, False
        start = time.monotonic()
        cases = []
        for server, part in ((dead, "does not answer"),
                             (empty, "has no device attached"),
                             (busy, "to another client"),
                             (slow, "keeps its device back")):
            self.server = server
            cases.append((server, part, self.start("echo", "never")))
        for server, part, process in cases:
            with self.subTest(part=part):
                out, err = process.communicate(timeout=20)
                self.assertEqual((out, process.returncode), ("", 125))
                self.assertTrue(9.5 < time.monotonic() - start < 16)
                self.assert_sentence(err, "No device within 10 seconds", part,
                                     "127.0.0.1:%d" % server.port)

    def test_unknown_host(self):
        result = subprocess.run([ATTACH, "--usbip", "no-such-host.invalid", "true"],
                                capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(result.returncode, 125)
        self.assert_sentence(result.stderr, "no-such-host.invalid")

    def test_garbage_from_the_server(self):
        for garbage in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x01\x11\x00\x03", b"",
                        b"\x01\x11\x00\x03\0\0\0\0" + b"x" * 100):
            self.server.garbage = garbage
            process = self.start("true")
            wait_until(lambda: len(self.server.entries("import")) >= 3)
            self.server.garbage = None
            self.assertEqual(process.wait(timeout=20), 0)
            self.server.journal.clear()

    def test_device_appears_late(self):
        self.server.present = False
        process = self.start("dfu-util", "-l")
        time.sleep(1)
        self.server.present = True
        out, _ = process.communicate(timeout=20)
        self.assertEqual(out.count("Found DFU"), 2)

    def test_import_granted_late(self):
        self.server.admit = False
        process = self.start("dfu-util", "-l")
        time.sleep(1)
        self.assertIsNone(process.poll())
        self.server.admit = True
        out, _ = process.communicate(timeout=20)
        self.assertEqual(out.count("Found DFU"), 2)

    def test_device_unplugged_at_every_request_of_enumeration(self):
        for number in range(1, 10):
            with self.subTest(number=number):
                self.server.present = True
                self.server.served, self.server.die_at = 0, number
                process = self.start("true")
                wait_until(lambda: not self.server.present)
                self.server.die_at = None
                self.server.present = True
                self.assertEqual(process.wait(timeout=20), 0)

    def test_server_dies_at_any_request_of_a_download(self):
        self.path("image", os.urandom(5000))
        for node in NODES:
            for number in (10, 11, 14, 20, 27, 38):
                with self.subTest(node=node, number=number):
                    self.server.device.__init__()
                    self.server.present = True
                    self.server.served, self.server.die_at = 0, number
                    result = self.run_it("dfu-util", "-a", "0", "-s", hex(FLASH), "-D",
                                         self.path("image"), status=None,
                                         options=["--node", node])
                    self.assertNotIn(result.returncode, (0, 125, 139, 134))
                    self.assertNotIn("quadboot-attach", result.stderr)

    def test_server_vanishes_during_a_transfer(self):
        for node in NODES:
            with self.subTest(node=node):
                server = self.server = Server()
                self.addCleanup(server.close)
                process = self.start(*CLIENT, "vanish", options=["--node", node])
                self.assertEqual(process.stdout.readline(), "waiting\n")
                wait_until(lambda s=server: s.entries("never"))
                server.present = False
                server.close()
                out, err = process.communicate(timeout=10)
                self.assertEqual(out.splitlines(), ["in -4", "again -4"], err)

    def test_mute_server(self):
        """A server that stops answering leaves the program its own timeouts."""
        self.server.mute_at = 14
        result = self.run_it("dfu-util", "-l", status=None, timeout=60)
        self.assertEqual(result.returncode, 0)

    def test_programs_killed_in_transfers(self):
        """One after the other, within one run: none harms the next."""
        client = " ".join(CLIENT)
        for node in NODES:
            with self.subTest(node=node):
                script = "; ".join("%s killed_in_transfer 0.%d" % (client, 15 + i)
                                   for i in range(4)) + "; %s bulk" % client
                self.server.loop.clear()
                result = self.run_it("sh", "-c", script, options=["--node", node])
                self.assertEqual(result.stdout.count("started"), 4)
                self.assertIn("claim 0", result.stdout)
                self.assertIn("out 0 100000", result.stdout)
                self.assertNotIn("CRITICAL", result.stderr)

    def test_program_killed_and_attach_ends(self):
        for node in NODES:
            for _ in range(5):
                self.run_client("killed_in_transfer", "0.1", status=137,
                                options=["--node", node])
                wait_until(lambda: not self.server.imported)

    def test_program_killed_during_a_reset(self):
        self.server.delay = 0.05
        self.run_client("killed_in_reset", status=137)
        wait_until(lambda: not self.server.imported)

    @staticmethod
    def line_ends_it(process):
        try:
            os.write(process.stdin.fileno(), b"\n")
        except BrokenPipeError:
            pass
        return process.poll() is not None

    def test_signals_reach_the_command(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process = self.start("sh", "-c", "trap 'exit 7' TERM INT HUP; echo ready; "
                                 "while :; do read line; done", stdin=subprocess.PIPE)
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.send_signal(number)
            # The shell acts on it between two lines, and it may come behind some of them.
            wait_until(lambda: self.line_ends_it(process))
            self.assertEqual(process.returncode, 7)
            process.stdin.close()

    def test_signal_before_there_is_a_device(self):
        self.server.present = False
        process = self.start("true")
        time.sleep(0.5)
        process.terminate()
        self.assertEqual(process.wait(timeout=5), 128 + 15)

    def test_nothing_is_left_behind(self):
        environment = dict(os.environ, TMPDIR=self.directory.name)
        subprocess.run(self.command_line("sh", "-c", 'test -n "$(ls $TMPDIR)"'),
                       env=environment, timeout=30, check=True)
        self.assertEqual(os.listdir(self.directory.name), [])

    def test_verbose_tells_the_story(self):
        self.path("image", b"x" * 100)
        result = self.run_it("dfu-util", "-a", "0", "-s", hex(FLASH) + ":leave", "-D",
                             self.path("image"), options=["--verbose"])
        self.assertIn("The device is /dev/bus/usb/001/002.", result.stderr)


def main():
    global ATTACH, SLOW_ENVIRONMENT
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--attach", required=True)
    parser.add_argument("--slow-environment", required=True)
    options, rest = parser.parse_known_args()
    ATTACH = os.path.abspath(options.attach)
    SLOW_ENVIRONMENT = os.path.abspath(options.slow_environment)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
