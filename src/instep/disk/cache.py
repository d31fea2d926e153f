"""Compiled results, kept in the user's cache by source digest and build.

An entry is private to the user, written whole or not at all, and carries a digest of its content.
Entries are made only from answers that were parsed and checked.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import stat
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from instep.model.compiled import CompiledCode, CompiledModule, SyntaxProblem

if TYPE_CHECKING:
    from instep.disk.answers import Compiled

# 1: first form. A change of the form, or of what the helper writes, takes the next number.
FORM = 1
MARSHAL_VERSION = 2
DIGEST_SIZE = 16
MAXIMUM_ENTRY = 256 << 20


def default_folder() -> str:
    """Where the cache lies: ``$XDG_CACHE_HOME/instep`` or ``~/.cache/instep``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        base = os.path.expanduser("~/.cache")  # noqa: PTH111 - pathlib costs 10 ms at start-up
    return f"{base}/instep"


class CodeCache:
    """The entries of one interpreter build. Without a usable folder it holds nothing."""

    def __init__(self, folder: str, build: str) -> None:
        self._folder = f"{folder}/code-{FORM}/{build}"
        self._ready = False

    def module(self, key: str) -> CompiledModule | None:
        """The compiled module kept under ``key``."""
        content: Any = self._load(key + ".m")
        if content is None:
            return None
        codes, problem = content
        return CompiledModule(
            tuple(map(CompiledCode._make, codes)),
            None if problem is None else SyntaxProblem(*problem),
        )

    def logic(self, key: str) -> tuple[bytes, ...] | None:
        """The encoded logic of all code objects of the module kept under ``key``."""
        kept: tuple[bytes, ...] | None = self._load(key + ".l")
        return kept

    def outline(self, key: str) -> bytes | None:
        """The encoded outline kept under ``key``."""
        kept: bytes | None = self._load(key + ".o")
        return kept

    def keep(self, key: str, compiled: Compiled) -> None:
        """Keep a compiled module."""
        module = compiled.module
        problem = None if module.problem is None else tuple(module.problem)
        self._store(key + ".l", compiled.logic)
        self._store(key + ".m", (tuple(map(tuple, module.codes)), problem))

    def keep_outline(self, key: str, outline: bytes) -> None:
        """Keep an encoded outline."""
        self._store(key + ".o", outline)

    def _load(self, name: str) -> Any:  # noqa: ANN401 - whatever was kept under that name
        path = f"{self._folder}/{name[:2]}/{name}"
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
        except OSError:
            return None
        try:
            facts = os.fstat(descriptor)
            if not _is_private(facts) or facts.st_size > MAXIMUM_ENTRY:
                return None
            data = os.read(descriptor, facts.st_size)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        if blake2b(data[DIGEST_SIZE:], digest_size=DIGEST_SIZE).digest() != data[:DIGEST_SIZE]:
            return None
        # Our own file, private to us and whole: not bytes of a target.
        return marshal.loads(data[DIGEST_SIZE:])  # noqa: S302

    def _store(self, name: str, content: Any) -> None:  # noqa: ANN401 - what marshal takes
        body = marshal.dumps(content, MARSHAL_VERSION)
        data = blake2b(body, digest_size=DIGEST_SIZE).digest() + body
        folder = f"{self._folder}/{name[:2]}"
        temporary = f"{folder}/.{name}.{os.getpid()}"
        try:
            self._make(folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(temporary, flags, 0o600)
        except OSError:
            return
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.replace(temporary, f"{folder}/{name}")  # noqa: PTH105 - as above
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 - as above

    def _make(self, folder: str) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - as above


def _is_private(facts: os.stat_result) -> bool:
    if not stat.S_ISREG(facts.st_mode):
        return False
    if os.name != "posix":
        return True
    return facts.st_uid == os.geteuid() and not facts.st_mode & 0o022
