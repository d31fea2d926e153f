"""Which files are the target's own code."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple

PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})


class Scope(NamedTuple):
    """What of a process is judged.

    ``modules`` are globs over module names and files; empty for all. ``standard_library`` is the
    target's own.
    """

    all_code: bool = False
    modules: tuple[str, ...] = ()
    standard_library: str = ""

    def holds_file(self, file: str) -> bool:
        """Whether a source file is in scope, apart from the module globs."""
        if file.startswith("<"):
            return self.all_code and file.startswith("<frozen ")
        if self.all_code:
            return True
        library = self.standard_library
        if library and file.startswith(library + "/"):
            return False
        return PACKAGE_FOLDERS.isdisjoint(file.split("/"))

    def holds_name(self, name: str, file: str) -> bool:
        """Whether a module passes the globs."""
        if not self.modules:
            return True
        return any(fnmatchcase(name, glob) or fnmatchcase(file, glob) for glob in self.modules)
