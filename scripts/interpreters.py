"""Find or fetch the CPythons that live tests read, and the libraries their targets import.

    python scripts/interpreters.py ensure     find, fetch, describe
    python scripts/interpreters.py packages   the same, then the libraries for each
    python scripts/interpreters.py list       print what is described

The description is `.cache/interpreters/interpreters.json`: one object for each interpreter, oldest
version first.

    version      "3.14.10"
    minor        "3.14"
    argv         the command that starts it; /proc/PID/exe is then the interpreter itself
    loader_argv  starts it through the loader, so that /proc/PID/exe is the loader; or null
    chroot_argv  starts it inside its own tree, as root; or null
    root         the tree it was unpacked to, or null
    kind         "system", "pyenv" or "unpacked"
    packages     the folder for PYTHONPATH with the libraries, or null
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from debian_tree import TreeError, ensure_tree
from private_loader import loader_of
from target_packages import PackagesError, install_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

MINORS = ("3.11", "3.12", "3.13", "3.14", "3.15")
# Debian keeps at most the last three or four; asking for an older one costs nothing.
UNPACKED_MINORS = ("3.12", "3.13", "3.14", "3.15")
CHECKOUT = Path(__file__).resolve().parent.parent
CACHE = CHECKOUT / ".cache"
FOLDER = CACHE / "interpreters"
DESCRIPTION = FOLDER / "interpreters.json"
PROBE_DEADLINE_SECONDS = 20
PROBE = """
import json, os, platform, sys, sysconfig
free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
print(json.dumps({
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "plain": not free_threaded and not hasattr(sys, "gettotalrefcount"),
}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One CPython that tests can start; the fields are told in the module's docstring."""

    version: str
    minor: str
    argv: list[str]
    loader_argv: list[str] | None
    chroot_argv: list[str] | None
    root: str | None
    kind: str
    packages: str | None


def main(arguments: list[str]) -> int:
    """Run one of the three verbs; 1 if there is no interpreter at all."""
    if arguments not in (["ensure"], ["packages"], ["list"]):
        print("usage: interpreters.py ensure|packages|list", file=sys.stderr)
        return 2
    verb = arguments[0]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _lock(FOLDER / "lock"):
        found = _load() if verb == "list" else _find_all()
        if verb == "packages":
            found = [_with_packages(interpreter) for interpreter in found]
        if verb != "list":
            _store(found)
    for interpreter in found:
        print(_line(interpreter))
    for minor in sorted(set(MINORS) - {interpreter.minor for interpreter in found}):
        print(f"{minor}  missing: not on PATH, not in pyenv, not unpacked")
    return 0 if found else 1


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold the cache, so that two runs of make don't build the same tree."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _find_all() -> list[Interpreter]:
    found: dict[str, Interpreter] = {}
    for interpreter in (*_installed(), *_unpacked()):
        found.setdefault(interpreter.version, interpreter)
    return sorted(found.values(), key=_version_key)


def _version_key(interpreter: Interpreter) -> tuple[int, ...]:
    parts = interpreter.version.split(".")
    # The last part can be "0rc1".
    patch = "".join(character for character in parts[-1] if character.isdigit())
    return (*map(int, parts[:2]), int(patch))


def _installed() -> Iterator[Interpreter]:
    """Yield what the machine has, by the real path of each program once."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    folders += [Path("/usr/bin"), Path("/usr/local/bin")]
    # PYENV_ROOT may be left over from another user.
    if os.access(pyenv, os.R_OK | os.X_OK):
        folders += sorted(pyenv.glob("versions/*/bin"))
    programs = {
        program.resolve(): None
        for folder in folders
        for minor in MINORS
        if os.access(program := folder / f"python{minor}", os.R_OK | os.X_OK)
    }
    for program in programs:
        # pyenv's shims are shell scripts: not the process that runs in the end.
        if program.read_bytes()[:4] == b"\x7fELF":
            kind = "pyenv" if program.is_relative_to(pyenv.resolve()) else "system"
            yield from _probe([str(program)], kind)


def _unpacked() -> Iterator[Interpreter]:
    try:
        root = ensure_tree(FOLDER / "debian", UNPACKED_MINORS)
    except TreeError as error:
        print(f"no unpacked interpreters: {error}")
        return
    for minor in UNPACKED_MINORS:
        program = root / "usr/bin" / f"python{minor}"
        if program.exists():
            yield from _probe([str(program)], "unpacked", root)


def _probe(argv: list[str], kind: str, root: Path | None = None) -> Iterator[Interpreter]:
    try:
        result = subprocess.run(
            [*argv, "-I", "-S", "-c", PROBE],
            capture_output=True,
            text=True,
            timeout=PROBE_DEADLINE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{argv[0]} left out: it does not start: {error}")
        return
    facts = json.loads(result.stdout)
    if facts["implementation"] != "CPython" or not facts["plain"]:
        print(f"{argv[0]} left out: not a default build of CPython")
        return
    version = facts["version"]
    packages = _packages_folder(version)
    yield Interpreter(
        version=version,
        minor=".".join(version.split(".")[:2]),
        argv=argv,
        loader_argv=_loader_argv(argv[0]) if root else None,
        chroot_argv=["chroot", str(root), f"/{Path(argv[0]).relative_to(root)}"] if root else None,
        root=str(root) if root else None,
        kind=kind,
        packages=str(packages) if packages.exists() else None,
    )


def _loader_argv(program: str) -> list[str]:
    loader = Path(loader_of(Path(program)))
    libraries = loader.resolve().parent
    return [str(loader), "--library-path", str(libraries), program]


def _packages_folder(version: str) -> Path:
    # One folder for each patch level: the bytecode files of two patch levels of a minor version
    # have the same name and the same magic, and differ.
    return CACHE / "packages" / version / "site-packages"


def _with_packages(interpreter: Interpreter) -> Interpreter:
    folder = _packages_folder(interpreter.version)
    started = time.monotonic()
    try:
        new = install_packages(CHECKOUT / "requirements", interpreter.minor, folder)
    except PackagesError as error:
        print(f"{interpreter.version}: no libraries: {error}")
        return replace(interpreter, packages=None)
    if new:
        print(
            f"{interpreter.version}: libraries put in place in {time.monotonic() - started:.1f} s"
        )
    return replace(interpreter, packages=str(folder))


def _store(found: list[Interpreter]) -> None:
    new = DESCRIPTION.with_suffix(".new")
    new.write_text(json.dumps([asdict(interpreter) for interpreter in found], indent=2) + "\n")
    new.replace(DESCRIPTION)


def _load() -> list[Interpreter]:
    if not DESCRIPTION.exists():
        return []
    return [Interpreter(**fields) for fields in json.loads(DESCRIPTION.read_text())]


def _line(interpreter: Interpreter) -> str:
    libraries = "with libraries" if interpreter.packages else "without libraries"
    return f"{interpreter.version:9} {interpreter.kind:9} {libraries:18} {interpreter.argv[0]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
