"""Edits of programs/editable.py, and what each must lead to."""

from __future__ import annotations

from typing import NamedTuple

Names = frozenset[str]
BODY: Names = frozenset({"<module>"})
CHILD: Names = frozenset({"Child"})
NONE: Names = frozenset()


class Edit(NamedTuple):
    """Replace ``old`` by ``new``.

    ``witnessed`` are the definitions that are stale, orphaned or added if the old bytecode file is
    there to compare with, ``alone`` those that are if it isn't. With none of them a process is
    ``unproven``; only an edit that is ``harmless`` leaves it fresh, and that if it is witnessed.
    """

    what: str
    old: str
    new: str
    witnessed: Names
    alone: Names
    harmless: bool = False

    def applied(self, text: str) -> str:
        """The edited text."""
        assert self.old in text, self.what
        return text.replace(self.old, self.new, 1)


def function(what: str, old: str, new: str, *names: str) -> Edit:
    """An edit of code that is alive: no other witness is needed."""
    return Edit(what, old, new, frozenset(names), frozenset(names))


def value(what: str, old: str, new: str, witnessed: Names, *alone: str) -> Edit:
    """An edit of what only ran at import, but left a value that tells."""
    return Edit(what, old, new, witnessed, frozenset(alone))


def statement(what: str, old: str, new: str, witnessed: Names = BODY) -> Edit:
    """An edit of what ran at import and left nothing to compare with."""
    return Edit(what, old, new, witnessed, NONE)


def harmless(what: str, old: str, new: str) -> Edit:
    """An edit that changes no behaviour."""
    return Edit(what, old, new, NONE, NONE, harmless=True)


METHOD = '    def removed(self):\n        return "still here"\n\n'
LAST = "def last():\n    return LIMIT\n"
FIRST_AFTER = "\n\ndef calls(kind, first, second):\n    return kind(first, second=second)\n"
PROPERTY = """\
    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, new):
        self._value = new
"""
BODIES_SWAPPED = """\
    @property
    def value(self):
        self._value = new

    @value.setter
    def value(self, new):
        return self._value
"""
ROLES_SWAPPED = """\
    def value(self):
        return self._value

    @property
    def value(self, new):
        self._value = new
"""
TUPLE, LIST = "    return (first, second)\n", "    return [first, second]\n"
SECOND_TWIN = "\n\n@registry.append\ndef _(first, second):\n"
TWINS = TUPLE + SECOND_TWIN + LIST
LONG_TUPLE, LONG_LIST = (one.replace(" s", "\n        s") for one in (TUPLE, LIST))
EDITS = [
    value("default", "amount=5", "amount=6", BODY, "defaulted"),
    value("keyword default", 'unit="m"', 'unit="km"', BODY, "defaulted"),
    value("default dropped", "amount=5", "amount", BODY, "defaulted"),
    value("class attribute", '"red"', '"blue"', CHILD, "Child.colour"),
    value("module constant", "LIMIT = 10", "LIMIT = 11", BODY, "LIMIT"),
    value("bases changed", "Child(Base)", "Child(Other)", BODY, "Child"),
    value("bases added", "Child(Base)", "Child(Base, Other)", BODY, "Child"),
    value(
        "method added",
        "    def method(self):",
        "    def extra(self):\n        return 1\n\n    def method(self):",
        CHILD | {"Child.extra"},
        "Child.extra",
    ),
    value("method removed", METHOD, "", CHILD | {"Child.removed"}, "Child.removed"),
    value("function deleted", LAST, "", BODY | {"last"}, "last"),
    value("function renamed", "def last", "def final", BODY | {"last", "final"}, "last", "final"),
    value("function added", LAST, f"{LAST}\n\ndef new():\n    pass\n", BODY | {"new"}, "new"),
    function("docstring", "Say something", "Say nothing", "annotated"),
    function("closure", '"inside"', '"deep inside"', "outer", "outer.<locals>.nested"),
    function("lambda", "text.upper()", "text.lower()", "<lambda>"),
    function("comprehension", "number + 1", "number + 2", "comprehending"),
    function("getter", "return self._value", "return self._value or 0", "Child.value"),
    function("bodies of getter and setter swapped", PROPERTY, BODIES_SWAPPED, "Child.value"),
    function("overload that is called", 'return "linux"', 'return "Linux"', "system"),
    statement("docstring of the module", '"""What the tests', '"""What tests'),
    statement("decorator", "@twice", "@thrice"),
    statement("decorator dropped", "@twice\n", ""),
    statement("decorator added", "def defaulted", "@twice\ndef defaulted"),
    statement("mutable class attribute", '"small": 1', '"small": 2', CHILD),
    statement("mutable class attribute added", "    sizes", "    shape = []\n    sizes", CHILD),
    statement("mutable constant", '"grace"]', '"alan"]'),
    statement("statement", "kept = outer()", "kept = outer()\nprint(kept)"),
    statement("metaclass", "Child(Base)", "Child(Base, metaclass=type)"),
    statement("comprehension of the module", "number**2", "number**3"),
    statement("import", "import sys", "import sys, os"),
    statement("roles of getter and setter swapped", PROPERTY, ROLES_SWAPPED, CHILD),
    statement("condition of twins", '== "linux"', '!= "linux"'),
    # A twin that is not alive may have been called before the other took its name.
    statement("overload that isn't called", 'return "windows"', 'return "Windows"', NONE),
    statement("order of functions", LAST + FIRST_AFTER, FIRST_AFTER + LAST),
    # Both are alive, and equal to one on disk: that they were swapped shows in no code.
    statement("twins swapped", TWINS, LIST + SECOND_TWIN + TUPLE, NONE),
    statement("twins swapped and broken", TWINS, LONG_LIST + SECOND_TWIN + LONG_TUPLE, NONE),
    statement("syntax error", "def last():", "def last(:", NONE),
    harmless("nothing", "LIMIT", "LIMIT"),
    harmless("comment above", "LIMIT = 10", "# the most\nLIMIT = 10"),
    harmless("comment on the line", "LIMIT = 10", "LIMIT = 10  # the most"),
    harmless("comment in a function", "    return LIMIT", "    # the most\n    return LIMIT"),
    harmless("blank lines", "class Base", "\n\n\nclass Base"),
    harmless(
        "arguments on lines of their own",
        "return kind(first, second=second)",
        "return kind(\n        first,\n        second=second,\n    )",
    ),
    harmless("twins broken", TWINS, LONG_TUPLE + SECOND_TWIN + LONG_LIST),
    harmless(
        "comprehension on lines of its own",
        "return {name: len(name) for name in NAMES}",
        "return {\n        name: len(name)\n        for name in NAMES\n    }",
    ),
    harmless("quotes", '"inside"', "'inside'"),
    harmless("constants folded", "LIMIT = 10", "LIMIT = 5 * 2"),
]
