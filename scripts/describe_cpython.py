"""Describe the CPython that runs this script: write its ``cpXYZ.py``, or check the one there is.

Run it under the interpreter to be described (3.11 or later, standard library only)::

    python3.14 scripts/describe_cpython.py --include PREFIX/include/python3.14 --write
    python3.14 scripts/describe_cpython.py --verify

``docs/how-to/add-a-cpython-version.md`` is the whole recipe.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import sys
from pathlib import Path
from typing import Any

from describe.headers import HeaderFacts, read_headers
from describe.opcodes import OpcodeTables, read_tables
from describe.rendering import render

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / "src/instep/cpython"


def main() -> int:
    """Write or verify the description of the running interpreter."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--include", type=Path, help="folder of this version's Python.h")
    parser.add_argument("--write", action="store_true", help="write src/instep/cpython/cpXYZ.py")
    parser.add_argument("--verify", action="store_true", help="check it against this interpreter")
    options = parser.parse_args()
    version = sys.version_info[:2]
    if options.include:
        text = describe(options.include, version)
        if options.write:
            Path(FOLDER / f"cp{version[0]}{version[1]}.py").write_text(text, encoding="utf-8")
        else:
            print(text, end="")
    return verify_committed(version) if options.verify else 0


def describe(include: Path, version: tuple[int, int]) -> str:
    """Return the text of the generated file."""
    tables = read_tables()
    facts = read_headers(include, version)
    refuse_disagreement(tables, facts)
    return render(version, platform.python_version(), tables, facts)


def refuse_disagreement(tables: OpcodeTables, facts: HeaderFacts) -> None:
    """Compare the tables of the standard library with the ones in the headers.

    ``_PyOpcode_Deopt`` leaves instrumented opcodes alone, and ``_PyOpcode_Caches`` names generic
    opcodes only; all else must be equal.
    """
    for number, name in tables.names.items():
        plain = not name.startswith("INSTRUMENTED_")
        if plain and tables.generic[number] != facts.deopt[number]:
            raise SystemExit(f"{name}: standard library and headers differ about its generic form")
        if plain and tables.caches[number] != facts.caches[facts.deopt[number]]:
            raise SystemExit(f"{name}: standard library and headers differ about its caches")


def verify_committed(version: tuple[int, int]) -> int:
    """Check the committed description; return the exit code."""
    sys.path.insert(0, str(FOLDER.parent.parent))
    registry: Any = importlib.import_module("instep.cpython.registry")
    verifying: Any = importlib.import_module("describe.verifying")
    description = registry.describe(version)
    if description is None:
        print(f"CPython {version[0]}.{version[1]} is not described yet: --include DIR --write")
        return 1
    code: int = verifying.verify(description)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
