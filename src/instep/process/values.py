"""Live values: module namespaces, classes, and defaults of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from instep.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instep.process.constants import ConstantEncoder
    from instep.process.objects import ObjectReader

# Include/object.h: Py_TPFLAGS_TYPE_SUBCLASS, the flag of metatypes.
TYPE_SUBCLASS = 1 << 31
MAXIMUM_CLASSES = 1 << 14


class ClassImage(NamedTuple):
    """A class as it lives: its bases, its namespace, and whether it is a plain ``type``.

    Bases are the addresses of types. An address tells two types apart and nothing else.
    """

    qualname: str
    bases: tuple[int, ...]
    namespace: int
    plain: bool


class ValueReader:
    """Reads values that have an encoded form; everything else is ``None``."""

    def __init__(self, objects: ObjectReader, constants: ConstantEncoder) -> None:
        self._objects = objects
        self._constants = constants

    def namespace(self, address: int) -> dict[str, bytes | None]:
        """The names of the dict at ``address`` and their values."""
        return {name: self._encoded(value) for name, value in self._objects.names(address).items()}

    def classes(self, namespace: int, module: str) -> dict[str, ClassImage]:
        """The classes that a module's namespace holds and that were made in it, nested ones too."""
        found: dict[str, ClassImage] = {}
        waiting = list(self._objects.names(namespace).values())
        while waiting and len(found) < MAXIMUM_CLASSES:
            try:
                image = self._class(waiting.pop(), module)
                if image is None or image.qualname in found:
                    continue
                found[image.qualname] = image
                waiting += self._objects.names(image.namespace).values()
            except Malformed:
                continue
        return found

    def _class(self, address: int, module: str) -> ClassImage | None:
        objects, own = self._objects, self._objects.offsets
        metatype = objects.type_of(address)
        flags = objects.pointer(metatype + own["type.flags"])
        if not flags & TYPE_SUBCLASS:
            return None
        namespace = objects.pointer(address + own["type.dict"])
        if not namespace:
            return None
        names = objects.names(namespace)
        if objects.optional_text(names.get("__module__", 0)) != module:
            return None
        qualname = objects.optional_text(objects.pointer(address + own["heaptype.qualname"]))
        if qualname is None:
            return None
        bases = objects.items(objects.pointer(address + own["type.bases"]))
        plain = metatype == objects.interpreter.types["type"]
        return ClassImage(qualname, bases, namespace, plain)

    def find_type(self, namespace: int, dotted: str) -> int | None:
        """The type that a dotted name means in a namespace; ``None`` if it is anything else."""
        objects = self._objects
        address = 0
        try:
            for name in dotted.split("."):
                names = objects.names(namespace)
                address = names.get(name) or self._builtin(names, name)
                if not address:
                    return None
                if objects.is_module(address):
                    namespace = objects.pointer(address + objects.offsets["module.dict"])
            metatype = objects.type_of(address)
            flags = objects.pointer(metatype + objects.offsets["type.flags"])
        except Malformed:
            return None
        return address if flags & TYPE_SUBCLASS else None

    def _builtin(self, names: Mapping[str, int], name: str) -> int:
        """A name that is looked up in ``builtins``, which a namespace holds as module or dict."""
        objects = self._objects
        address = names.get("__builtins__", 0)
        if address and objects.is_module(address):
            address = objects.pointer(address + objects.offsets["module.dict"])
        return objects.names(address).get(name, 0) if address else 0

    def defaults(
        self, function: int
    ) -> tuple[tuple[bytes | None, ...], Mapping[str, bytes | None]]:
        """The positional and keyword defaults of the function at ``address``."""
        objects, own = self._objects, self._objects.offsets
        positional: tuple[bytes | None, ...] = ()
        keyword: dict[str, bytes | None] = {}
        address = objects.pointer(function + own["function.defaults"])
        if address and objects.is_a(address, "tuple"):
            positional = tuple(self._encoded(item) for item in objects.items(address))
        address = objects.pointer(function + own["function.kwdefaults"])
        if address and objects.is_a(address, "dict"):
            keyword = self.namespace(address)
        return positional, keyword

    def _encoded(self, address: int) -> bytes | None:
        try:
            return self._constants.encode(address)
        except Malformed:
            return None
