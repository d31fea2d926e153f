"""The modules of every interpreter of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from instep.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instep.process.objects import ObjectReader

MAXIMUM_INTERPRETERS = 1024
MAXIMUM_MODULES = 1 << 17
# A module that importlib.util.LazyLoader loads when it is used first; then it becomes another type.
NOT_YET_LOADED = "importlib.util._LazyModule"


class LoadedModule(NamedTuple):
    """An entry of ``sys.modules``. ``namespace`` is the address of the module's dict."""

    name: str
    file: str | None
    loader: str | None
    namespace: int


class InterpreterState(NamedTuple):
    """One (sub)interpreter: its modules, and what its ``sys`` says of how code is loaded."""

    address: int
    modules: tuple[LoadedModule, ...]
    optimization: int
    standard_library: str
    debug_ranges: bool
    pycache_prefix: str
    writes_bytecode: bool
    abiflags: str
    reads_environment: bool


def interpreter_addresses(objects: ObjectReader) -> Iterator[int]:
    """The addresses of all interpreter states; the main one comes last in CPython's list."""
    own = objects.offsets
    address = objects.pointer(objects.interpreter.runtime + own["runtime.interpreters_head"])
    seen: set[int] = set()
    while address and address not in seen and len(seen) < MAXIMUM_INTERPRETERS:
        seen.add(address)
        yield address
        address = objects.pointer(address + own["interp.next"])


def read_interpreter(objects: ObjectReader, address: int) -> InterpreterState:
    """Read what one interpreter has loaded and how."""
    own = objects.offsets
    system = objects.names(objects.pointer(address + own["interp.sysdict"]))
    modules = objects.pointer(address + own["interp.sys_modules"])
    flags = objects.items_of_struct(system["flags"]) if "flags" in system else ()
    options = objects.names(system["_xoptions"]) if "_xoptions" in system else {}
    return InterpreterState(
        address,
        tuple(_modules(objects, modules)),
        objects.small_int(flags[3]) if len(flags) > 3 else 0,
        objects.optional_text(system.get("_stdlib_dir", 0)) or "",
        "no_debug_ranges" not in options,
        objects.optional_text(system.get("pycache_prefix", 0)) or "",
        system.get("dont_write_bytecode") == objects.interpreter.singletons["False"],
        objects.optional_text(system.get("abiflags", 0)) or "",
        len(flags) > 7 and not objects.small_int(flags[7]),
    )


def _modules(objects: ObjectReader, address: int) -> Iterator[LoadedModule]:
    classes: dict[int, str] = {}
    files = _KeyFinder(objects, "__file__")
    origins = _KeyFinder(objects, "__loader__")
    for count, (key, value) in enumerate(objects.entries(address)):
        if count >= MAXIMUM_MODULES:
            raise Malformed("sys.modules claims more entries than can be")
        try:
            if not objects.is_module(value) or _is_not_yet_loaded(objects, value, classes):
                continue
            namespace = objects.pointer(value + objects.offsets["module.dict"])
            pairs = objects.first_entries(namespace, 16)
            file = objects.optional_text(files.find(pairs))
            loader = origins.find(pairs)
            name = objects.text(key)
        except Malformed:
            continue
        yield LoadedModule(name, file, _loader_name(objects, loader, classes), namespace)


def _is_not_yet_loaded(objects: ObjectReader, module: int, known: dict[int, str]) -> bool:
    kind = objects.type_of(module)
    if kind == objects.interpreter.types["module"]:
        return False
    if kind not in known:
        known[kind] = _class_name(objects, kind)
    return known[kind] == NOT_YET_LOADED


def _loader_name(objects: ObjectReader, loader: int, known: dict[int, str]) -> str | None:
    """The class of a loader with its module; for one that is a class itself, that class."""
    if not loader:
        return None
    try:
        kind = objects.type_of(loader)
    except Malformed:
        return "?"
    if kind == objects.interpreter.types["type"]:
        kind = loader
    if kind not in known:
        known[kind] = _class_name(objects, kind)
    return known[kind]


def _class_name(objects: ObjectReader, kind: int) -> str:
    try:
        name = objects.type_name(kind)
        if "." in name:
            return name
        namespace = objects.names(objects.pointer(kind + objects.offsets["type.dict"]))
        module = objects.optional_text(namespace.get("__module__", 0))
    except Malformed:
        return "?"
    return f"{module}.{name}" if module else name


class _KeyFinder:
    """Finds one key in many dicts: it is interned, so its address is learnt once."""

    def __init__(self, objects: ObjectReader, key: str) -> None:
        self._objects = objects
        self._key = key
        self._addresses: set[int] = set()

    def find(self, pairs: list[tuple[int, int]]) -> int:
        for key, value in pairs:
            if key in self._addresses:
                return value
        for key, value in pairs:
            if self._objects.optional_text(key) == self._key:
                self._addresses.add(key)
                return value
        return 0
