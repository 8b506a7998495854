# SPDX-License-Identifier: MIT
"""A libusb program for attach_test.py: does what its first argument names, and
prints results, one a line. It runs under quadboot-attach and knows nothing of it.
"""
import ctypes
import errno
import os
import signal
import sys
import threading
import time

usb = ctypes.CDLL("libusb-1.0.so.0", use_errno=True)
libc = ctypes.CDLL(None, use_errno=True)
usb.libusb_open_device_with_vid_pid.restype = ctypes.c_void_p
usb.libusb_get_device.restype = ctypes.c_void_p
for name in ("claim_interface", "release_interface", "set_interface_alt_setting",
             "reset_device", "clear_halt", "set_configuration", "control_transfer",
             "bulk_transfer", "get_device", "close", "kernel_driver_active"):
    getattr(usb, "libusb_" + name).argtypes = [ctypes.c_void_p] + \
        [ctypes.c_void_p if a == "p" else ctypes.c_uint for a in
         {"set_interface_alt_setting": "ii", "reset_device": "", "get_device": "",
          "close": "", "control_transfer": "iiiipii",
          "bulk_transfer": "ipipi"}.get(name, "i")]
usb.libusb_get_device_speed.argtypes = [ctypes.c_void_p]
usb.libusb_get_device_address.argtypes = [ctypes.c_void_p]

VENDOR, BOOTLOADER = 0x0483, 0xDF11


class Timespec(ctypes.Structure):
    _fields_ = [("s", ctypes.c_long), ("ns", ctypes.c_long)]


def open_device():
    handle = usb.libusb_open_device_with_vid_pid(None, VENDOR, BOOTLOADER)
    if not handle:
        sys.exit("no device")
    return handle


def control_in(handle, kind, request, value, index, length, timeout=5000):
    data = ctypes.create_string_buffer(length)
    n = usb.libusb_control_transfer(handle, kind, request, value, index, data, length,
                                    timeout)
    return data.raw[:n] if n >= 0 else n


def get_status(handle):
    return control_in(handle, 0xA1, 3, 0, 0, 6)


def bulk_out(handle, endpoint, data, timeout=5000):
    moved = ctypes.c_int()
    r = usb.libusb_bulk_transfer(handle, endpoint, data, len(data),
                                 ctypes.byref(moved), timeout)
    return r, moved.value


def bulk_in(handle, endpoint, length, timeout=5000):
    moved = ctypes.c_int()
    data = ctypes.create_string_buffer(length)
    r = usb.libusb_bulk_transfer(handle, endpoint, data, length, ctypes.byref(moved),
                                 timeout)
    return r, data.raw[:moved.value]


def do_bulk():
    handle = open_device()
    print("claim", usb.libusb_claim_interface(handle, 1))
    for size in (0, 1, 64, 16384, 16385, 100000):
        data = bytes(i * 7 % 251 for i in range(size))
        print("out", *bulk_out(handle, 0x01, data))
        result, back = bulk_in(handle, 0x81, size + 10)
        print("in", result, back == data)


def do_bulk_too_long():
    handle = open_device()
    usb.libusb_claim_interface(handle, 1)
    print("out", bulk_out(handle, 0x01, bytes(2 << 20))[0])
    print("status", get_status(handle).hex())


def do_timeout():
    handle = open_device()
    usb.libusb_claim_interface(handle, 1)
    print("in", *bulk_in(handle, 0x82, 64, timeout=100))
    print("status", get_status(handle).hex())


def do_requests():
    handle = open_device()
    device = usb.libusb_get_device(handle)
    print("speed", usb.libusb_get_device_speed(device))
    print("address", usb.libusb_get_device_address(device))
    print("driver", usb.libusb_kernel_driver_active(handle, 0))
    print("stall", control_in(handle, 0xC0, 99, 0, 0, 8))
    print("short", len(control_in(handle, 0x80, 6, 0x0100, 0, 100)))
    print("out", usb.libusb_control_transfer(handle, 0x21, 4, 0, 0, None, 0, 1000))
    print("halt", usb.libusb_clear_halt(handle, 0x81))
    print("configure", usb.libusb_set_configuration(handle, 1))
    print("claim missing", usb.libusb_claim_interface(handle, 9))
    print("release unclaimed", usb.libusb_release_interface(handle, 0))


def do_two_handles():
    first, second = open_device(), open_device()
    print("first", usb.libusb_claim_interface(first, 0))
    print("second", usb.libusb_claim_interface(second, 0))
    print("configure", usb.libusb_set_configuration(second, 1))
    print("release", usb.libusb_release_interface(first, 0))
    print("second", usb.libusb_claim_interface(second, 0))
    print("status", get_status(first).hex(), get_status(second).hex())


def do_alternate():
    handle = open_device()
    usb.libusb_claim_interface(handle, 0)
    print("set", usb.libusb_set_interface_alt_setting(handle, 0, 1))
    sys.stdout.flush()
    if sys.argv[2] == "release":
        usb.libusb_release_interface(handle, 0)
    elif sys.argv[2] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(3)


def do_reset():
    handle = open_device()
    usb.libusb_claim_interface(handle, 0)
    usb.libusb_set_interface_alt_setting(handle, 0, 1)
    print("reset", usb.libusb_reset_device(handle))
    status = get_status(handle)
    print("status", status if isinstance(status, int) else status.hex())


def do_killed_in_transfer():
    """Dies inside transfers, over and over, as a program that is killed."""
    handle = open_device()
    usb.libusb_claim_interface(handle, 1)
    print("started", flush=True)
    threading.Timer(float(sys.argv[2]), os.kill, (os.getpid(), signal.SIGKILL)).start()
    while True:
        bulk_in(handle, 0x82, 64, timeout=10)
        bulk_out(handle, 0x01, b"x")
        bulk_in(handle, 0x81, 64)


def do_vanish():
    """The device goes while a transfer waits."""
    handle = open_device()
    usb.libusb_claim_interface(handle, 1)
    print("waiting", flush=True)
    print("in", bulk_in(handle, 0x82, 64, timeout=8000)[0])
    print("again", bulk_in(handle, 0x82, 64, timeout=8000)[0])


class Control(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint8), ("request", ctypes.c_uint8),
                ("value", ctypes.c_uint16), ("index", ctypes.c_uint16),
                ("length", ctypes.c_uint16), ("timeout", ctypes.c_uint32),
                ("data", ctypes.c_void_p)]


class Bulk(ctypes.Structure):
    _fields_ = [("endpoint", ctypes.c_uint), ("length", ctypes.c_uint),
                ("timeout", ctypes.c_uint), ("data", ctypes.c_void_p)]


class Urb(ctypes.Structure):
    _fields_ = [("type", ctypes.c_ubyte), ("endpoint", ctypes.c_ubyte),
                ("status", ctypes.c_int), ("flags", ctypes.c_uint),
                ("buffer", ctypes.c_void_p), ("length", ctypes.c_int),
                ("actual", ctypes.c_int), ("start_frame", ctypes.c_int),
                ("packets", ctypes.c_int), ("errors", ctypes.c_int),
                ("signal", ctypes.c_uint), ("context", ctypes.c_void_p)]


# Linux, include/uapi/linux/usbdevice_fs.h, on 64 bits.
CONTROL, BULK, SUBMIT, DISCARD = 0xC0185500, 0xC0185502, 0x8038550A, 0x550B
REAP, REAP_NO_DELAY, CLAIM, SET_INTERFACE = 0x4008550C, 0x4008550D, 0x8004550F, 0x80085504
RESET, GET_DRIVER, CONNECT_INFO, GET_SPEED = 0x5514, 0x41045508, 0x40085511, 0x551F
URB_ISO, URB_CONTROL, URB_BULK = 0, 2, 3


def open_node():
    """A function that makes ioctls on the device node."""
    node = os.open("/dev/bus/usb/001/002", os.O_RDWR)
    libc.ioctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p]

    def call(request, argument=None):
        by_reference = isinstance(argument, (ctypes.Structure, ctypes._SimpleCData))
        result = libc.ioctl(node, request,
                            ctypes.byref(argument) if by_reference else argument)
        return result if result >= 0 else errno.errorcode[ctypes.get_errno()]
    return call


def do_raw():
    """The ioctls that libusb does not use, or not like this."""
    call = open_node()
    print("speed", call(GET_SPEED))
    info = (ctypes.c_uint8 * 8)()
    call(CONNECT_INFO, ctypes.addressof(info))
    print("connectinfo", info[0], info[4])
    print("driver", call(GET_DRIVER, ctypes.addressof(ctypes.create_string_buffer(260))))
    print("unknown", call(0x5577))
    data = ctypes.create_string_buffer(64)
    at = ctypes.addressof(data)
    print("control", call(CONTROL, Control(0xA1, 3, 0, 0, 6, 1000, at)),
          data.raw[:6].hex())
    print("control stall", call(CONTROL, Control(0xC0, 9, 0, 0, 6, 1000, at)))
    print("control out", call(CONTROL, Control(0x21, 4, 0, 0, 0, 1000, None)))
    data.value = b"abc"
    print("bulk out", call(BULK, Bulk(0x01, 3, 1000, at)))
    data.value = b""
    print("bulk in", call(BULK, Bulk(0x81, 64, 1000, at)), data.value)
    print("bulk in", call(BULK, Bulk(0x82, 64, 50, at)))
    print("claim 9", call(CLAIM, ctypes.c_uint(9)))
    print("set 7", call(SET_INTERFACE, (ctypes.c_uint64)(7)))
    print("null", call(CLAIM))
    print("iso", call(SUBMIT, Urb(type=URB_ISO, buffer=at, length=8)))
    print("short setup", call(SUBMIT, Urb(type=URB_CONTROL, buffer=at, length=7)))
    print("discard", call(DISCARD, at))
    slot = ctypes.c_void_p(0x1234)
    print("reap nothing", call(REAP_NO_DELAY, slot))
    back = ctypes.create_string_buffer(64)
    urb = Urb(type=URB_BULK, endpoint=0x81, buffer=ctypes.addressof(back), length=64)
    call(SUBMIT, urb)
    data.value = b"late"
    out = Urb(type=URB_BULK, endpoint=0x01, buffer=at, length=4)
    call(SUBMIT, out)
    reaped = []
    while len(reaped) < 2:
        call(REAP, slot)
        reaped.append(slot.value)
    assert sorted(reaped) == sorted(map(ctypes.addressof, (urb, out)))
    print("reap waits", back.raw[:urb.actual])
    call(CLAIM, ctypes.c_uint(0))
    print("alternate", call(SET_INTERFACE, ctypes.c_uint64(1 << 32)))
    print("reset", call(RESET))
    print("status", get_status_raw(call))


def do_raw_gone():
    """What is left to do with a device that is gone: by itself, or by a reset."""
    call = open_node()
    data = ctypes.create_string_buffer(64)
    urb = Urb(type=URB_BULK, endpoint=0x82, buffer=ctypes.addressof(data), length=64)
    print("submit", call(SUBMIT, urb), flush=True)
    if sys.argv[2] == "reset":
        print("reset", call(RESET))
    slot = ctypes.c_void_p()
    while True:
        result = call(REAP_NO_DELAY, slot)
        if result != "EAGAIN":
            break
    print("reap", result, slot.value == ctypes.addressof(urb), urb.status)
    print("reap", call(REAP_NO_DELAY, slot), call(REAP, slot))
    print("submit", call(SUBMIT, urb), "discard", call(DISCARD, ctypes.addressof(urb)))
    print("claim", call(CLAIM, ctypes.c_uint(0)), "unknown", call(0x5577))


def do_killed_in_reset():
    """Dies while the reset that it asked for is under way."""
    call = open_node()
    threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGKILL)).start()
    call(RESET)


def get_status_raw(call):
    data = ctypes.create_string_buffer(6)
    call(CONTROL, Control(0xA1, 3, 0, 0, 6, 1000, ctypes.addressof(data)))
    return data.raw.hex()


HOTPLUG = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int,
                           ctypes.c_void_p)


class DeviceDescriptor(ctypes.Structure):
    _fields_ = [("head", ctypes.c_uint8 * 8), ("vendor", ctypes.c_uint16),
                ("product", ctypes.c_uint16), ("tail", ctypes.c_uint8 * 6)]


class Timeval(ctypes.Structure):
    _fields_ = [("s", ctypes.c_long), ("us", ctypes.c_long)]


def do_hotplug():
    """Tells what comes and goes, until as much as the argument says has."""
    seen = []

    def on_event(_context, device, event, _data):
        d = DeviceDescriptor()
        usb.libusb_get_device_descriptor(ctypes.c_void_p(device), ctypes.byref(d))
        if d.vendor == VENDOR:
            seen.append(event)
            print({1: "arrived", 2: "left"}[event], hex(d.product),
                  usb.libusb_get_device_address(device), flush=True)
        return 0
    callback = HOTPLUG(on_event)
    # ARRIVED | LEFT, ENUMERATE; -1 matches anything.
    usb.libusb_hotplug_register_callback(None, 3, 1, -1, -1, -1, callback, None, None)
    deadline = time.monotonic() + 10
    while len(seen) < int(sys.argv[2]) and time.monotonic() < deadline:
        usb.libusb_handle_events_timeout(None, ctypes.byref(Timeval(0, 50000)))


def do_sleeps():
    start = time.monotonic()
    t = Timespec(1, 500000000)
    print("nanosleep", libc.nanosleep(ctypes.byref(t), None))
    print("clock_nanosleep", libc.clock_nanosleep(1, 0, ctypes.byref(t), None))
    print("usleep", libc.usleep(2500000))
    print("sleep", libc.sleep(3))
    print("fast", time.monotonic() - start < 1)


def do_threads():
    """Sixteen threads with ten sleeps each; ctypes lets them run side by side."""
    results = []

    def work(number):
        for i in range(10):
            t = Timespec(1, number * 100 + i)
            results.append(libc.nanosleep(ctypes.byref(t), None))
    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("slept", results.count(0))


if __name__ == "__main__":
    usb.libusb_init(None)
    globals()["do_" + sys.argv[1]]()
