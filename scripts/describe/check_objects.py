"""Checks that every offset inside an object leads to what Python says of that object."""

from __future__ import annotations

import ctypes
import gc
import re
import struct
import sys
from types import CellType, CodeType, FunctionType, MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from describe.ledger import Ledger
    from describe.memory import OwnMemory

CO_FAST_LOCAL, CO_FAST_CELL, CO_FAST_FREE = 0x20, 0x40, 0x80
DIGIT_BITS = 30


def check_objects(memory: OwnMemory, ledger: Ledger) -> None:
    """Check every kind of object."""
    check_headers(memory, ledger)
    check_function(memory, ledger)
    check_code(memory, ledger)
    check_wrappers(memory, ledger)
    check_sequences(memory, ledger)
    check_texts(memory, ledger)
    check_numbers(memory, ledger)
    check_set(memory, ledger)
    check_types(memory, ledger)


def check_headers(memory: OwnMemory, ledger: Ledger) -> None:
    """Check the object header on a type of the program's own, which is not immortal."""
    thing = SimpleNamespace()
    address = id(thing)
    before = memory.int32(address, "object.refcnt")
    another = thing
    ledger.equal("object.refcnt", memory.int32(address, "object.refcnt") - before, 1)
    ledger.equal("object.type", memory.word(address, "object.type"), id(type(another)))
    ledger.equal("var.size", memory.word(id((1, 2, 3)), "var.size"), 3)
    ledger.equal("module.dict", memory.word(id(sys), "module.dict"), id(vars(sys)))


def sample_function() -> FunctionType:
    """Return a function that has everything a function can have."""
    kept = object()

    def sample(
        one: object, /, two: int = 2, *rest: object, three: int = 3, four: int = 4, five: int = 5
    ) -> object:
        """Doc."""
        inner = [kept for _ in range(two)]
        return (one, rest, three, four, five, inner, lambda: inner)

    sample.__dict__["own"] = 1
    assert isinstance(sample, FunctionType)
    return sample


def check_function(memory: OwnMemory, ledger: Ledger) -> None:
    """Check ``PyFunctionObject``."""
    function: Any = sample_function()
    for field in ("globals", "builtins", "name", "qualname", "code", "defaults", "kwdefaults"):
        found = memory.word(id(function), f"function.{field}")
        ledger.equal(f"function.{field}", found, id(getattr(function, f"__{field}__")))
    for field in ("doc", "closure", "dict", "module"):
        found = memory.word(id(function), f"function.{field}")
        ledger.equal(f"function.{field}", found, id(getattr(function, f"__{field}__")))
    ledger.equal("function.size", memory.offsets["function.size"], FunctionType.__basicsize__)


def check_code(memory: OwnMemory, ledger: Ledger) -> None:
    """Check ``PyCodeObject``."""
    for function in (sample_function, sample_function(), check_code, check_numbers):
        check_code_object(memory, ledger, function.__code__)


def check_code_object(memory: OwnMemory, ledger: Ledger, code: CodeType) -> None:
    """Check one code object."""
    address = id(code)
    for field in ("consts", "names", "exceptiontable", "filename", "name", "qualname", "linetable"):
        found = memory.word(address, f"code.{field}")
        ledger.equal(f"code.{field}", found, id(getattr(code, f"co_{field}")))
    for field in ("flags", "argcount", "posonlyargcount", "kwonlyargcount", "stacksize"):
        found = memory.int32(address, f"code.{field}")
        ledger.equal(f"code.{field}", found, getattr(code, f"co_{field}"))
    ledger.equal("code.firstlineno", memory.int32(address, "code.firstlineno"), code.co_firstlineno)
    size = memory.word(address, "var.size") * 2
    raw = memory.read(address + memory.offsets["code.code_adaptive"], size)
    private: Any = code
    ledger.equal("code.code_adaptive", raw, private._co_code_adaptive)
    check_locals(memory, ledger, code)


def check_locals(memory: OwnMemory, ledger: Ledger, code: CodeType) -> None:
    """Check the names of locals, cells and free variables, and their kinds."""
    address = id(code)
    names = memory.items(memory.word(address, "code.localsplusnames"))
    kinds_at = memory.word(address, "code.localspluskinds") + memory.offsets["bytes.data"]
    kinds = memory.read(kinds_at, len(names))
    for bit, expected in (
        (CO_FAST_LOCAL, code.co_varnames),
        (CO_FAST_CELL, code.co_cellvars),
        (CO_FAST_FREE, code.co_freevars),
    ):
        found = [name for name, kind in zip(names, kinds, strict=True) if kind & bit]
        wanted = [id(name) for name in expected]
        ledger.equal("code.localsplusnames code.localspluskinds tuple.items", found, wanted)
    ledger.equal("code.nlocalsplus", memory.int32(address, "code.nlocalsplus"), len(names))


class Sample:
    """A class with members of every kind."""

    __slots__ = ("__weakref__", "alpha", "beta")

    @property
    def both(self) -> int:
        """Get."""
        return 1

    @both.setter
    def both(self, value: int) -> None:
        """Set."""

    @both.deleter
    def both(self) -> None:
        """Delete."""

    @classmethod
    def of_class(cls) -> None:
        """Do nothing."""

    @staticmethod
    def of_nothing() -> None:
        """Do nothing."""

    def plain(self) -> None:
        """Do nothing."""


def check_wrappers(memory: OwnMemory, ledger: Ledger) -> None:
    """Check the objects that hold a function."""
    members: dict[str, Any] = dict(vars(Sample))
    both = members["both"]
    for field in ("get", "set", "del"):
        found = memory.word(id(both), f"property.{field}")
        ledger.equal(f"property.{field}", found, id(getattr(both, f"f{field}")))
    for kind, name in (("classmethod", "of_class"), ("staticmethod", "of_nothing")):
        found = memory.word(id(members[name]), f"{kind}.callable")
        ledger.equal(f"{kind}.callable", found, id(members[name].__func__))
    instance = Sample()
    method: Any = MethodType(members["plain"], instance)
    ledger.equal("method.func", memory.word(id(method), "method.func"), id(members["plain"]))
    ledger.equal("method.self", memory.word(id(method), "method.self"), id(instance))
    cell = CellType(instance)
    ledger.equal("cell.ref", memory.word(id(cell), "cell.ref"), id(instance))
    alpha = members["alpha"]
    ledger.equal("descr.type", memory.word(id(alpha), "descr.type"), id(Sample))
    ledger.equal("descr.name", memory.word(id(alpha), "descr.name"), id(alpha.__name__))


def check_sequences(memory: OwnMemory, ledger: Ledger) -> None:
    """Check tuple, list, slice."""
    things = [object() for _ in range(5)]
    ids = [id(thing) for thing in things]
    same = tuple(things)
    ledger.equal("tuple.items", memory.items(id(same)), ids)
    items = memory.word(id(things), "list.items")
    ledger.equal("list.items", memory.words(items, 5), ids)
    allocated = memory.word(id(things), "list.allocated")
    used = sys.getsizeof([]) + allocated * 8
    ledger.equal("list.allocated", used, sys.getsizeof(things))
    part = slice(things[0], things[1], things[2])
    for number, field in enumerate(("start", "stop", "step")):
        found = memory.word(id(part), f"slice.{field}")
        ledger.equal(f"slice.{field}", found, ids[number])


def check_texts(memory: OwnMemory, ledger: Ledger) -> None:
    """Check str of each width, and bytes."""
    data = bytes(range(65, 80))
    found = memory.read(id(data) + memory.offsets["bytes.data"], len(data))
    ledger.equal("bytes.data", found, data)
    for text, kind in (("ascii", 1), ("ä" * 7, 1), ("\u0416" * 7, 2), ("\U0001f600" * 7, 4)):
        state = memory.read(id(text) + memory.offsets["unicode.state"], 1)[0]
        decoded = (state >> 2 & 7, state >> 5 & 1, state >> 6 & 1)
        ledger.equal("unicode.state", decoded, (kind, 1, int(text.isascii())))
        ledger.equal("unicode.length", memory.word(id(text), "unicode.length"), len(text))
        place = "unicode.ascii_data" if text.isascii() else "unicode.compact_data"
        encoding = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[kind]
        raw = memory.read(id(text) + memory.offsets[place], len(text) * kind)
        ledger.equal(place, raw.decode(encoding), text)
    text = "\u0416" * 9
    as_utf8 = ctypes.pythonapi.PyUnicode_AsUTF8
    as_utf8.restype, as_utf8.argtypes = ctypes.c_void_p, [ctypes.py_object]
    kept_at = as_utf8(text)
    ledger.equal("unicode.utf8", memory.word(id(text), "unicode.utf8"), kept_at)


def check_numbers(memory: OwnMemory, ledger: Ledger) -> None:
    """Check int (of no, one and many digits, either sign), float and complex."""
    for number in (0, 7, -7, 2**30 - 1, 2**31, -(2**95) + 5, 3**200):
        address = id(number)
        if "long.tag" in memory.offsets:
            tag = memory.word(address, "long.tag")
            count, negative = tag >> 3, tag & 3 == 2
        else:
            size = struct.unpack("<q", memory.read(address + memory.offsets["var.size"], 8))[0]
            count, negative = abs(size), size < 0
        raw = memory.read(address + memory.offsets["long.digits"], count * 4)
        digits = struct.unpack(f"<{count}I", raw)
        value = sum(digit << DIGIT_BITS * place for place, digit in enumerate(digits))
        names = "long.digits long.tag" if "long.tag" in memory.offsets else "long.digits var.size"
        ledger.equal(names, -value if negative else value, number)
    for name, thing, expected in (
        ("float.value", -2.5, (-2.5,)),
        ("complex.value", 1.5 - 4j, (1.5, -4.0)),
    ):
        raw = memory.read(id(thing) + memory.offsets[name], 8 * len(expected))
        ledger.equal(name, struct.unpack(f"<{len(expected)}d", raw), expected)


def check_set(memory: OwnMemory, ledger: Ledger) -> None:
    """Check set and frozenset: every entry of the table."""
    things = {object() for _ in range(40)}
    things.pop()
    for sample in (things, frozenset(things), frozenset({1})):
        address = id(sample)
        slots = memory.word(address, "set.mask") + 1
        ledger.equal("set.used", memory.word(address, "set.used"), len(sample))
        table, size = memory.word(address, "set.table"), memory.offsets["setentry.size"]
        keys = [memory.word_at(table + size * slot) for slot in range(slots)]
        wanted = sorted(id(member) for member in sample)
        found = sorted(key for key in keys if key in set(wanted))
        ledger.equal("set.mask set.table setentry.size", found, wanted)
        filled = sum(1 for key in keys if key)
        ledger.equal("set.fill", memory.word(address, "set.fill"), filled)


def check_types(memory: OwnMemory, ledger: Ledger) -> None:
    """Check ``PyTypeObject`` and ``PyHeapTypeObject``."""
    for kind in (Sample, tuple, FunctionType):
        address = id(kind)
        name = memory.c_string(memory.word(address, "type.name"))
        ledger.equal("type.name", name.decode().rpartition(".")[2], kind.__name__)
        for field in ("basicsize", "itemsize", "flags"):
            found = memory.word(address, f"type.{field}")
            ledger.equal(f"type.{field}", found, getattr(kind, f"__{field}__"))
        ledger.equal("type.base", memory.word(address, "type.base"), id(kind.__base__))
    # Made by hand, since -OO takes docstrings away.
    documented = type("Documented", (), {"__doc__": "A documented type."})
    doc = memory.c_string(memory.word(id(documented), "type.doc"))
    ledger.equal("type.doc", doc.decode(), documented.__doc__)
    for field in ("bases", "mro"):
        found = memory.word(id(Sample), f"type.{field}")
        ledger.equal(f"type.{field}", found, id(getattr(Sample, f"__{field}__")))
    namespace = gc.get_referents(vars(Sample))[0]
    ledger.equal("type.dict", memory.word(id(Sample), "type.dict"), id(namespace))
    check_heap_type(memory, ledger)


def check_heap_type(memory: OwnMemory, ledger: Ledger) -> None:
    """Check the part only heap types have."""

    class Below(Sample):
        """A subclass, so that ``Sample`` has a table of them."""

        own = 1

    address = id(Sample)
    subclasses = memory.word(address, "type.subclasses")
    ledger.equal("type.subclasses", memory.word(subclasses, "object.type"), id(dict))
    ledger.equal("dict.used", memory.word(subclasses, "dict.used"), 1)
    ledger.equal("heaptype.name", memory.word(address, "heaptype.name"), id(Sample.__name__))
    qualname = id(Below.__qualname__)
    ledger.equal("heaptype.qualname", memory.word(id(Below), "heaptype.qualname"), qualname)
    slots = memory.items(memory.word(address, "heaptype.slots"))
    ledger.equal("heaptype.slots", slots, [id("alpha"), id("beta")])
    keys = memory.word(id(Below), "heaptype.cached_keys")
    kind = memory.read(keys + memory.offsets["dictkeys.kind"], 1)[0]
    ledger.equal("heaptype.cached_keys", kind, 2)
    pattern = re.Pattern
    owner = id(sys.modules["_sre"])
    ledger.equal("heaptype.module", memory.word(id(pattern), "heaptype.module"), owner)
    ledger.equal("heaptype.size", memory.offsets["heaptype.size"], type.__basicsize__)
