"""A project whose own code is real library code, copied to where it may be edited."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from live.found_interpreters import Interpreter

CHECKOUT = Path(__file__).resolve().parents[2]
ORACLE = CHECKOUT / "tests/live/programs/truth_oracle.py"
WORKLOAD = CHECKOUT / "scripts/describe/workload.py"
# Long before the process starts, so that bytecode files are certainly older than it.
PAST_SECONDS = 100_000_000
PACKAGES = (
    "asyncio", "concurrent", "ctypes", "curses", "dbm", "email", "html", "http", "json",
    "logging", "multiprocessing", "unittest", "urllib", "wsgiref", "xml", "xmlrpc", "zoneinfo",
)  # fmt: skip
MODULES = (
    "_aix_support", "_markupbase", "_pydecimal", "_pyio", "argparse", "ast", "base64", "bdb",
    "bz2", "calendar", "cmd", "code", "codeop", "colorsys", "configparser", "contextlib", "copy",
    "csv", "dataclasses", "datetime", "decimal", "difflib", "doctest", "filecmp", "fileinput",
    "fractions", "ftplib", "functools", "getopt", "getpass", "gettext", "glob", "graphlib",
    "gzip", "hashlib", "heapq", "hmac", "imaplib", "inspect", "ipaddress", "lzma", "mailbox",
    "mimetypes", "modulefinder", "netrc", "nturl2path", "opcode", "optparse", "pdb", "pickle",
    "pickletools", "pkgutil", "platform", "plistlib", "poplib", "pprint", "profile", "pstats",
    "pyclbr", "queue", "quopri", "random", "reprlib", "rlcompleter", "sched", "secrets",
    "selectors", "shelve", "shlex", "shutil", "signal", "smtplib", "socket", "socketserver",
    "ssl", "statistics", "string", "stringprep", "subprocess", "symtable", "tabnanny", "tarfile",
    "tempfile", "textwrap", "threading", "timeit", "token", "tokenize", "trace", "traceback",
    "tracemalloc", "tty", "typing", "uuid", "warnings", "wave", "weakref", "webbrowser",
    "zipapp", "zipfile",
)  # fmt: skip
DJANGO = ("utils", "core", "template", "http", "forms", "db/models", "db/backends", "urls", "views")
SYMPY = ("core", "utilities", "parsing", "sets", "logic", "polys", "functions")


class Project:
    """The folder of a project, the modules that it is asked to import, and its main program."""

    def __init__(self, folder: Path, interpreter: Interpreter, *, libraries: bool) -> None:
        self.folder = folder
        self.packages = interpreter.packages if libraries else None
        self.main = folder / "main_program.py"
        folder.mkdir(parents=True)
        shutil.copyfile(ORACLE, self.main)
        shutil.copyfile(WORKLOAD, folder / "workload.py")
        standard = standard_library(interpreter)
        self.names = ["workload", *self._copy(standard, [*PACKAGES, *MODULES], "")]
        if self.packages is not None:
            site = Path(self.packages)
            self._copy(site, ["django", "sympy"], "")
            for library, parts in (("django", DJANGO), ("sympy", SYMPY)):
                for part in parts:
                    self.names += self._names(folder / library / part)
        for file in folder.rglob("*.py"):
            moment = file.stat().st_mtime - PAST_SECONDS
            os.utime(file, (moment, moment))

    def _copy(self, source: Path, names: list[str], prefix: str) -> list[str]:
        found = []
        only_python = shutil.ignore_patterns("__pycache__", "tests", "test", "*.so", "*.mo", "*.po")
        for name in names:
            if (source / name).is_dir():
                shutil.copytree(source / name, self.folder / name, ignore=only_python)
                found += self._names(self.folder / name)
            elif (source / f"{name}.py").exists():
                shutil.copyfile(source / f"{name}.py", self.folder / f"{name}.py")
                found.append(prefix + name)
        return found

    def _names(self, package: Path) -> list[str]:
        """The modules of a package, without those that do something when they are imported."""
        return [
            ".".join(file.relative_to(self.folder).with_suffix("").parts).removesuffix(".__init__")
            for file in sorted(package.rglob("*.py"))
            if file.stem != "__main__" and "benchmarks" not in file.parts
        ]


def standard_library(interpreter: Interpreter) -> Path:
    """Where the modules of an interpreter lie."""
    script = "import json, sysconfig; print(json.dumps(sysconfig.get_path('stdlib')))"
    output = subprocess.run(
        [*interpreter.argv, "-I", "-c", script], capture_output=True, text=True, check=True
    ).stdout
    return Path(json.loads(output))
