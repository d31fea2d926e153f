"""The interpreters that targets run under, as `make interpreters` has described them."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

DESCRIPTION = Path(__file__).resolve().parent.parent / ".cache/interpreters/interpreters.json"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A CPython: how to start it, and the folder of its libraries if it has them."""

    version: str
    argv: tuple[str, ...]
    kind: str
    packages: str | None


def found_interpreters() -> list[Interpreter]:
    """Every interpreter described, oldest first; only the running one if none is."""
    if not DESCRIPTION.exists():
        program = str(Path(sys.executable).resolve())
        return [Interpreter(platform.python_version(), (program,), "system", None)]
    return [
        Interpreter(each["version"], tuple(each["argv"]), each["kind"], each["packages"])
        for each in json.loads(DESCRIPTION.read_text())
    ]


def chosen_interpreter(version: str | None) -> Interpreter:
    """The one of that version; by default the newest that is installed and has libraries.

    Unpacked ones come last: they are the machine's own only by accident. `LookupError` if there is
    none of that version.
    """
    found = found_interpreters()
    if version is not None:
        matching = [each for each in found if f"{each.version}.".startswith(f"{version}.")]
        if not matching:
            raise LookupError(f"no interpreter {version} was found; see `make interpreters`")
        return matching[-1]
    return max(
        enumerate(found),
        key=lambda item: (item[1].packages is not None, item[1].kind != "unpacked", item[0]),
    )[1]
