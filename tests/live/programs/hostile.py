"""Change the memory of this very process into what no interpreter would make of it."""

import ctypes
import json
import sys
import types

import _ready

way = sys.argv[1]
offsets = json.loads(sys.argv[2])
WORD = ctypes.c_uint64
PRIVATE = 0x22  # MAP_PRIVATE | MAP_ANONYMOUS
NORESERVE = 0x4000
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
kept = []


def victim():
    return "a constant", (1, 2, ("three", 4.0)), 5


def word(address):
    return WORD.from_address(address)


def mapped(size, flags=PRIVATE):
    found = libc.mmap(None, size, 3, flags, -1, 0)
    if found in (None, 2**64 - 1):
        _ready.ready("refused")
        sys.exit()
    return found


def constant(value):
    """Make a value a constant of the function, without a comparison of it."""
    consts = victim.__code__.co_consts
    kept.append(value)
    word(id(consts) + offsets["tuple.items"] + 8).value = id(value)


def space():
    mapped(1 << 43, PRIVATE | NORESERVE)


def mappings():
    start = mapped(60_000 * 4096)
    for page in range(0, 60_000, 2):
        libc.mprotect(start + page * 4096, 4096, 1)


def modules():
    for number in range(1_000_000):
        sys.modules[f"m{number}"] = types


def needles():
    """A gigabyte's worth of what looks like functions would be too much here; 64 MiB do."""
    head = (1).to_bytes(8, "little") + id(types.FunctionType).to_bytes(8, "little")
    kept.append(head * (4 << 20))


def own_code():
    constant(victim.__code__)


def wide():
    value = ("x" * 1000,) * 1000
    for _ in range(50):
        value = (value,) * 1000
    constant(value)


def cycle():
    value = (1, 2)
    word(id(value) + offsets["tuple.items"]).value = id(value)
    word(id(value) + offsets["tuple.items"] + 8).value = id(value)
    constant(value)


def long_text():
    value = "a text that claims to be long"
    word(id(value) + offsets["unicode.length"]).value = 1 << 40
    constant(value)


def long_int():
    value = 1 << 100
    word(id(value) + 16).value = 1 << 50
    constant(value)


def long_tuple():
    value = tuple(range(3))
    word(id(value) + 16).value = 1 << 50
    constant(value)


def frames():
    """Every thread's frames form a loop."""
    state = ctypes.pythonapi.PyThreadState_Get
    state.restype = ctypes.c_void_p
    thread = state()
    if "thread.cframe" in offsets:
        frame = word(
            word(thread + offsets["thread.cframe"]).value + offsets["cframe.current_frame"]
        )
    else:
        frame = word(thread + offsets["thread.current_frame"])
    own = frame.value
    word(own + offsets["frame.previous"]).value = own
    word(thread + offsets["thread.next"]).value = thread
    _ready.ready()
    sys.stdin.read()


def names():
    """One key of a namespace has four million characters, a thousand times."""
    for number in range(300):
        globals()[f"{number}" + "x" * (1 << 20)] = number


globals()[way]()
_ready.ready()
sys.stdin.read()
