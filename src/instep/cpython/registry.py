"""Which CPython versions are described, and the description of one of them.

The descriptions are the files ``cpXYZ.py`` of this folder; nothing else lists them, so that a new
version is one new file.
"""

from __future__ import annotations

import importlib
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instep.cpython.description import Description

_DESCRIPTION_FILE = re.compile(r"cp(\d)(\d+)\.py")


def supported() -> list[tuple[int, int]]:
    """Return the described minor versions, oldest first."""
    # os.path and not pathlib: importing pathlib takes 10 ms of a 60 ms command.
    names = os.listdir(os.path.dirname(__file__))  # noqa: PTH208, PTH120 - see above
    found = (_DESCRIPTION_FILE.fullmatch(name) for name in names)
    return sorted((int(match[1]), int(match[2])) for match in found if match)


def describe(version: tuple[int, int]) -> Description | None:
    """Return what is known of a minor version, None if it is not described.

    Imports that version's module only.
    """
    if version not in supported():
        return None
    module = importlib.import_module(f"instep.cpython.cp{version[0]}{version[1]}")
    description: Description = module.DESCRIPTION
    return description
