"""What the source states as literals, compared with the live values.

A body that ran once at import is gone from memory, but what it made is there. A default argument
that differs from its literal is proof of another source. A constant or a class attribute may also
have been changed at run time; where the module itself rebinds the name, a difference says nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from instep.model.encoding import BrokenEncoding, decode
from instep.model.verdicts import DefinitionVerdict, Kind, Verdict
from instep.verdict.difference import show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from instep.model.compiled import Defaults, Outline

ABSENT = b""
SLOTS = "__slots__"
MUTABLE = "edited, or changed at run time"


class LiveDefaults(NamedTuple):
    """The defaults of one live function as encoded values; ``None`` for other objects."""

    first_line: int
    positional: tuple[bytes | None, ...]
    keyword: Mapping[str, bytes | None]


class LiveClass(NamedTuple):
    """A live class: its bases, and its namespace as encoded values.

    ``bases`` are identities of types; ``named`` gives the identity that a base in the source has in
    the live module, or ``None`` where that name means no type.
    ``plain`` says that its metaclass is ``type``: any other may take names out of the namespace or
    put other objects in their place (enums, Django's ``Meta``).
    """

    bases: tuple[int, ...]
    named: Callable[[str], int | None]
    values: Mapping[str, bytes | None]
    plain: bool


class LiveValues(NamedTuple):
    """The values of one module: of its namespace, its classes and its functions' defaults."""

    module: Mapping[str, bytes | None]
    classes: Mapping[str, LiveClass]
    defaults: Mapping[str, tuple[LiveDefaults, ...]]


def compare_values(outline: Outline, live: LiveValues) -> list[DefinitionVerdict]:
    """The literals of the source that live values contradict, and definitions that are missing."""
    found = []
    # Which of several definitions of one name is the live one (of platform twins, say) is unknown.
    named = Counter(defaults.qualname for defaults in outline.defaults)
    for defaults in outline.defaults:
        if named[defaults.qualname] > 1:
            continue
        found += _compare_defaults(defaults, live.defaults.get(defaults.qualname, ()))
    found += _compare_constants(outline, live)
    found += _compare_classes(outline, live)
    return found


def missing_definitions(outline: Outline, live: LiveValues) -> list[str]:
    """Definitions that a fresh import would certainly bind and that memory doesn't have."""
    missing = []
    for definition in outline.definitions:
        if not definition.unique:
            continue
        scope, _, name = definition.qualname.rpartition(".")
        if "<locals>" in definition.qualname or _has_star_name(name) or name in outline.rebound:
            continue
        holder = live.module if not scope else _class_values(live, scope)
        if holder is not None and _mangled(scope, name) not in holder:
            missing.append(definition.qualname)
    return missing


def _class_values(live: LiveValues, scope: str) -> Mapping[str, bytes | None] | None:
    found = live.classes.get(scope)
    return found.values if found is not None and found.plain else None


def _has_star_name(name: str) -> bool:
    # Class hooks that type.__new__ takes out of, or wraps in, the namespace.
    return name in {"__class_getitem__", "__init_subclass__", SLOTS}


def _mangled(scope: str, name: str) -> str:
    if scope and name.startswith("__") and not name.endswith("__"):
        return f"_{scope.rpartition('.')[2].lstrip('_')}{name}"
    return name


def _compare_defaults(stated: Defaults, live: tuple[LiveDefaults, ...]) -> list[DefinitionVerdict]:
    if len({(one.positional, tuple(one.keyword.items())) for one in live}) != 1:
        return []  # none alive, or several definitions of one name
    actual = live[0]
    differences = []
    if len(stated.positional) != len(actual.positional):
        text = f"{len(actual.positional)} positional defaults -> {len(stated.positional)}"
        differences.append(text)
    else:
        for old, new in zip(actual.positional, stated.positional, strict=True):
            differences += _difference("default", old, new)
    for name, new in stated.keyword:
        if name in actual.keyword:
            differences += _difference(f"default of {name}", actual.keyword[name], new)
        else:
            differences.append(f"no default of {name} -> a default")
    return [
        DefinitionVerdict(stated.qualname, Kind.DEFAULT, stated.line, Verdict.STALE, "", difference)
        for difference in differences
    ]


def _compare_constants(outline: Outline, live: LiveValues) -> list[DefinitionVerdict]:
    found = []
    for constant in outline.constants:
        if constant.scope:
            values = _class_values(live, constant.scope)
            kind = Kind.ATTRIBUTE
        else:
            values = live.module
            kind = Kind.CONSTANT
        if values is None or constant.name in outline.rebound:
            continue
        qualname = f"{constant.scope}.{constant.name}".lstrip(".")
        actual = values.get(_mangled(constant.scope, constant.name), ABSENT)
        if constant.scope and constant.name.startswith("__") and constant.name != SLOTS:
            continue  # __doc__ and the like, which type() treats in its own way
        found += [
            DefinitionVerdict(qualname, kind, constant.line, Verdict.STALE, MUTABLE, difference)
            for difference in _difference("value", actual, constant.value)
        ]
    return found


def _compare_classes(outline: Outline, live: LiveValues) -> list[DefinitionVerdict]:
    found = []
    for stated in outline.classes:
        actual = live.classes.get(stated.qualname)
        if actual is None or not actual.plain or stated.keywords or None in stated.bases:
            continue
        difference = _compare_bases([str(base) for base in stated.bases], actual)
        if difference:
            found.append(
                DefinitionVerdict(
                    stated.qualname, Kind.CLASS, stated.line, Verdict.STALE, "", difference
                )
            )
    return found


def _compare_bases(stated: list[str], actual: LiveClass) -> str:
    """How the bases of a class differ; empty unless that is certain.

    A base that is no type (``typing.NamedTuple``, say) may stand for any number of others.
    """
    meant = [actual.named(name) for name in stated]
    if None in meant:
        return ""
    same = meant == list(actual.bases) if stated else len(actual.bases) == 1
    return "" if same else f"bases: -> ({', '.join(stated)})"


def _difference(label: str, old: bytes | None, new: bytes | None) -> list[str]:
    # An object without an encoded form may have been made of the literal: it says nothing.
    if old is None or new is None or old == new:
        return []
    if old == ABSENT:
        return [f"{label}: nothing -> {_shown(new)}"]
    return [f"{label}: {_shown(old)} -> {_shown(new)}"]


def _shown(value: bytes) -> str:
    try:
        return show(decode(value))
    except BrokenEncoding:
        return "?"
