"""Options that several verbs have."""

from __future__ import annotations

import argparse
from typing import NoReturn

from instep.errors import UsageError


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are instep's errors, with the way out."""

    def error(  # type: ignore[explicit-override]  # typing.override came with 3.12
        self, message: str
    ) -> NoReturn:
        """Raise ``UsageError`` instead of leaving the process."""
        raise UsageError(f"{message} (see `{self.prog} --help`)")


def parser(verb: str, description: str, examples: str) -> Parser:
    """A parser for one verb, with its examples at the end of its help."""
    return Parser(
        prog=f"instep {verb}",
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_scope(to: Parser) -> None:
    """``--all-code``, ``--module``, ``--verbose`` and ``--json``."""
    to.add_argument(
        "--all-code", action="store_true", help="judge the standard library and libraries too"
    )
    to.add_argument(
        "--module",
        action="append",
        default=[],
        metavar="GLOB",
        help="judge only modules whose name or file matches; may be repeated",
    )
    to.add_argument("-v", "--verbose", action="store_true", help="list what is fresh too")
    to.add_argument("--json", action="store_true", help="one JSON object on standard output")
