"""Compiled results, kept in the user's cache by source digest and build.

An entry is private to the user, written whole or not at all, and carries a digest of its content.
Entries are made only from answers that were parsed and checked.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import stat
from typing import TYPE_CHECKING, Any

from instep.model.compiled import CompiledCode, CompiledModule, SyntaxProblem
from instep.model.digests import blake2b

if TYPE_CHECKING:
    from instep.disk.answers import Compiled

# 1: first form. 2: the digest covers the entry's name too, so that none passes for another.
# 3: outlines name the attributes that a module rebinds.
# A change of the form, or of what the helper writes, takes the next number.
FORM = 3
MARSHAL_VERSION = 2
DIGEST_SIZE = 16
MAXIMUM_ENTRY = 256 << 20
OWN_FOLDER = "instep"
NOT_OPEN, UNUSABLE = -1, -2


def _program_digest() -> str:
    """Tells entries of one compiler program from those of another, whatever the version says."""
    path = os.path.join(os.path.dirname(__file__), "compiler_program.py")  # noqa: PTH118, PTH120
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs 10 ms at start-up
        return blake2b(file.read(), digest_size=4).hexdigest()


def default_folder() -> str | None:
    """Where caches lie: ``$XDG_CACHE_HOME`` or ``~/.cache``; ``None`` if there is no home."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        base = os.path.expanduser("~/.cache")  # noqa: PTH111 - pathlib costs 10 ms at start-up
    return base if base.startswith("/") else None


class CodeCache:
    """The entries of one interpreter build. Without a usable folder it holds nothing.

    ``folder`` is where the caches of all programs lie; ``None`` for no cache. From there on each
    folder must be ours alone, so that nobody can put other entries in the place of ours.
    """

    def __init__(self, folder: str | None, build: str) -> None:
        self._base = folder
        self._parts = (OWN_FOLDER, f"code-{FORM}-{_program_digest()}", build)
        self._folder = UNUSABLE if folder is None else NOT_OPEN

    def close(self) -> None:
        """Let go of the folder; safe to call twice."""
        if self._folder >= 0:
            os.close(self._folder)
        self._folder = UNUSABLE

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
        if self._folder < 0 and (self._folder == UNUSABLE or not self._open(make=False)):
            return None
        try:
            # O_NONBLOCK: what lies there may be no file at all.
            flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(f"{name[:2]}/{name}", flags, dir_fd=self._folder)
        except OSError:
            return None
        try:
            data = _read_private(descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        body = memoryview(data)[DIGEST_SIZE:]
        if self._digest(name, body) != data[:DIGEST_SIZE]:
            return None
        # Our own file, private to us and whole: not bytes of a target.
        return marshal.loads(body)  # noqa: S302

    def _store(self, name: str, content: Any) -> None:  # noqa: ANN401 - what marshal takes
        if self._folder < 0 and (self._folder == UNUSABLE or not self._open(make=True)):
            return
        body = marshal.dumps(content, MARSHAL_VERSION)
        temporary, final = f"{name[:2]}/.{name}.{os.getpid()}", f"{name[:2]}/{name}"
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name[:2], 0o700, dir_fd=self._folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(temporary, flags, 0o600, dir_fd=self._folder)
        except OSError:
            return
        where = {"src_dir_fd": self._folder, "dst_dir_fd": self._folder}
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self._digest(name, body) + body)
            os.replace(temporary, final, **where)  # noqa: PTH105 - by descriptor
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=self._folder)

    def _digest(self, name: str, body: bytes | memoryview) -> bytes:
        digest = blake2b("/".join((*self._parts, name, "")).encode(), digest_size=DIGEST_SIZE)
        digest.update(body)
        return digest.digest()

    def _open(self, *, make: bool) -> bool:
        """Open the folder of this build, one that is ours after the other; whether there is one."""
        try:
            if make:
                os.makedirs(self._base or "/", mode=0o700, exist_ok=True)  # noqa: PTH103 - start-up
            self._folder = _open_own(self._base or "/", self._parts, make=make)
        except FileNotFoundError:
            return False  # it can still be made
        except OSError:
            self._folder = UNUSABLE
            return False
        return True


def _open_own(base: str, parts: tuple[str, ...], *, make: bool) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    current = os.open(base, flags)
    for part in parts:
        above = current
        try:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=above)
            current = os.open(part, flags | os.O_NOFOLLOW, dir_fd=above)
        finally:
            os.close(above)
        if not _is_private(os.fstat(current)):
            os.close(current)
            raise PermissionError(part)
    return current


def _read_private(descriptor: int) -> bytes:
    """What the file holds; nothing if that need not be ours."""
    facts = os.fstat(descriptor)
    whole = stat.S_ISREG(facts.st_mode) and facts.st_size <= MAXIMUM_ENTRY
    return os.read(descriptor, facts.st_size) if whole and _is_private(facts) else b""


def _is_private(facts: os.stat_result) -> bool:
    return facts.st_uid == os.geteuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
