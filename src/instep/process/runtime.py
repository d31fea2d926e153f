"""Find the interpreter in a process and what is known of its build."""

from __future__ import annotations

import os
import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from instep.cpython.registry import describe, supported
from instep.errors import Malformed, NotPython, UnsupportedBuild
from instep.process.elf import Symbols, read_image
from instep.process.maps import parse_maps

if TYPE_CHECKING:
    from collections.abc import Mapping as MappingType

    from instep.cpython.description import Opcodes
    from instep.process.maps import Mapping
    from instep.process.memory import MemoryReader

COOKIE = b"xdebugpy"
MAXIMUM_OFFSET = 1 << 20
MAXIMUM_IMAGES = 200

TYPES = {
    "function": "PyFunction_Type",
    "code": "PyCode_Type",
    "str": "PyUnicode_Type",
    "bytes": "PyBytes_Type",
    "int": "PyLong_Type",
    "float": "PyFloat_Type",
    "complex": "PyComplex_Type",
    "tuple": "PyTuple_Type",
    "list": "PyList_Type",
    "frozenset": "PyFrozenSet_Type",
    "slice": "PySlice_Type",
    "dict": "PyDict_Type",
    "module": "PyModule_Type",
    "type": "PyType_Type",
    "property": "PyProperty_Type",
    "classmethod": "PyClassMethod_Type",
    "staticmethod": "PyStaticMethod_Type",
    "generator": "PyGen_Type",
    "coroutine": "PyCoro_Type",
    "asyncgen": "PyAsyncGen_Type",
}
SINGLETONS = {
    "None": "_Py_NoneStruct",
    "True": "_Py_TrueStruct",
    "False": "_Py_FalseStruct",
    "Ellipsis": "_Py_EllipsisObject",
}


class Build(NamedTuple):
    """Exactly which interpreter runs: ``identity`` is a digest of its mapped image."""

    version: tuple[int, int, int]
    level: str
    identity: bytes

    @property
    def name(self) -> str:
        """The version as people write it, such as ``3.13.0`` or ``3.15.0b2``."""
        return ".".join(map(str, self.version)) + self.level

    @property
    def key(self) -> str:
        """A name for caches: version and identity."""
        return f"{self.name}-{self.identity.hex()}"


class Interpreter(NamedTuple):
    """An interpreter image in a process: where its parts lie and how its objects are laid out."""

    build: Build
    offsets: MappingType[str, int]
    opcodes: Opcodes
    magic: int
    runtime: int
    types: MappingType[str, int]
    singletons: MappingType[str, int]
    image_path: str


def locate(pid: int, memory: MemoryReader, maps: bytes, executable: str) -> Interpreter:
    """Find CPython in the process: in its executable, in libpython, or in any other image.

    Raises ``NotPython`` if there is none and ``UnsupportedBuild`` if it is one that can't be read.
    """
    for mapping in _images(parse_maps(maps), executable):
        try:
            symbols = Symbols(memory, read_image(memory, mapping.start))
            runtime = symbols.find("_PyRuntime")
        except Malformed:
            continue
        if runtime is not None:
            return _describe(memory, symbols, runtime, mapping.path)
    _refuse_by_name(pid, maps, executable)
    raise NotPython(pid, executable)


def _images(mappings: list[Mapping], executable: str) -> list[Mapping]:
    """Mapped files, most likely first; each once, at its lowest address."""
    seen: dict[tuple[str, int, str], Mapping] = {}
    for mapping in mappings:
        if mapping.inode and mapping.offset == 0 and mapping.permissions.startswith("r"):
            seen.setdefault((mapping.device, mapping.inode, mapping.path), mapping)

    def rank(mapping: Mapping) -> int:
        if "libpython" in mapping.path:
            return 0
        if mapping.path == executable:
            return 1
        return 2 if "python" in mapping.path.rsplit("/", 1)[-1] else 3

    return sorted(seen.values(), key=rank)[:MAXIMUM_IMAGES]


def _refuse_by_name(pid: int, maps: bytes, executable: str) -> None:
    if b"pypy" in maps or "pypy" in executable:
        raise UnsupportedBuild(f"{pid} runs PyPy, whose objects instep can't read")
    if b"/libpython2." in maps or "python2" in executable:
        raise UnsupportedBuild(f"{pid} runs Python 2")
    if b"/libpython3." in maps or executable.rsplit("/", 1)[-1].startswith("python3"):
        found = re.search(r"python(3\.\d+)", f"{executable}\n{os.fsdecode(maps)}")
        name = f"Python {found[1]}" if found else "a Python"
        raise UnsupportedBuild(f"{pid} runs {name}, which has no symbol _PyRuntime")


def _describe(memory: MemoryReader, symbols: Symbols, runtime: int, path: str) -> Interpreter:
    address = symbols.find("Py_Version")
    if address is None:
        raise UnsupportedBuild("it runs CPython 3.10 or older")
    (number,) = struct.unpack("<I", memory.read(address, 4))
    version = (number >> 24, number >> 16 & 255, number >> 8 & 255)
    level = {0xA: "a", 0xB: "b", 0xC: "rc"}.get(number >> 4 & 15, "")
    build = Build(version, f"{level}{number & 15}" if level else "", symbols.identity())
    description = describe(version[:2])
    if description is None:
        known = ", ".join(f"{major}.{minor}" for major, minor in supported())
        raise UnsupportedBuild(f"it runs CPython {build.name}; instep knows {known}")
    offsets = dict(description.offsets)
    if description.debug_offsets:
        offsets |= _own_offsets(memory, runtime, description.debug_offsets, build)
    return Interpreter(
        build,
        offsets,
        description.opcodes,
        description.magic,
        runtime,
        _addresses(symbols, TYPES),
        _addresses(symbols, SINGLETONS),
        path,
    )


def _addresses(symbols: Symbols, names: MappingType[str, str]) -> dict[str, int]:
    found = {key: symbols.find(symbol) for key, symbol in names.items()}
    missing = [names[key] for key, address in found.items() if address is None]
    if missing:
        raise UnsupportedBuild(f"its interpreter doesn't export {', '.join(missing)}")
    return {key: address for key, address in found.items() if address is not None}


def _own_offsets(
    memory: MemoryReader, runtime: int, table: MappingType[str, int], build: Build
) -> dict[str, int]:
    """What the target says of its own layout (CPython's ``_Py_DebugOffsets``, 3.13 and later)."""
    size = max(table.values()) + 8
    if size > MAXIMUM_OFFSET:
        raise UnsupportedBuild("the description of its build is broken")
    raw = memory.read(runtime, size)
    if not raw.startswith(COOKIE):
        raise UnsupportedBuild(f"it runs CPython {build.name} without a table of its layout")

    def word(name: str) -> int:
        return int.from_bytes(raw[table[name] : table[name] + 8], "little")

    if word("table.free_threaded"):
        raise UnsupportedBuild(f"it runs the free-threaded build of CPython {build.name}")
    own = {name: word(name) for name in table if not name.startswith("table.")}
    if any(value > MAXIMUM_OFFSET for value in own.values()):
        raise UnsupportedBuild(f"CPython {build.name} states an impossible layout of itself")
    return own
