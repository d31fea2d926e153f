"""Importing instep costs its user nothing."""

from __future__ import annotations

import json
import subprocess
import sys

# Runs in a process of its own: the modules of this one are many.
IMPORT_ALL = """
import json, sys

EFFECTS = ("subprocess.", "socket.", "os.", "shutil.", "signal.", "ctypes.dlopen", "sqlite3.")
# The import system lists folders.
HARMLESS = {"os.listdir", "os.scandir"}
effects = []

def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and arguments[1].strip("rbt")
    if writes or (event.startswith(EFFECTS) and event not in HARMLESS):
        effects.append([event, repr(arguments)])

before = set(sys.modules)
sys.addaudithook(watch)
import instep
light = sorted(set(sys.modules) - before)
import pkgutil
for module in pkgutil.walk_packages(instep.__path__, "instep."):
    if not module.name.endswith("__main__"):
        __import__(module.name)
every = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
print(json.dumps({"light": light, "every": every, "effects": effects}))
"""


def imported() -> dict[str, list[str]]:
    """Import all of instep in a fresh process and return what that loaded and did."""
    # -B: writing bytecode files is the interpreter's work, not ours. -P: not from this folder.
    result = subprocess.run(
        [sys.executable, "-B", "-P", "-c", IMPORT_ALL],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    assert result.stdout.startswith('{"light"'), f"a module wrote: {result.stdout[:200]!r}"
    facts: dict[str, list[str]] = json.loads(result.stdout)
    return facts


def test_importing_instep_does_nothing() -> None:
    """No file is written, no process started and no socket opened by importing any of it."""
    assert imported()["effects"] == []


def test_instep_imports_no_third_party_module() -> None:
    """Every module of instep gets by with the standard library."""
    third_party = set(imported()["every"]) - {"instep"} - sys.stdlib_module_names
    assert third_party == set()


def test_the_package_itself_imports_only_itself() -> None:
    """`import instep` alone loads nothing else: the command line loads what its verb needs."""
    assert imported()["light"] == ["instep"]
