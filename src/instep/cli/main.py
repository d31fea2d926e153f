"""The command line: finds the verb, runs it, and turns errors into messages and exit codes."""

from __future__ import annotations

import gc
import importlib
import sys

from instep import __version__
from instep.cli.streams import complain, fail, finish, prepare_streams
from instep.errors import InstepError

# Each verb is a module of this folder with run(arguments) -> int, imported when it is used.
VERBS = {
    "check": "is the code in memory the code on disk? proven per function",
    "ps": "one row for every Python process: what runs, and its verdict",
    "demo": "the incident, replayed in under half a minute",
}
USAGE = "usage: instep VERB [OPTIONS] [TARGET ...]"
EPILOGUE = """\
TARGET: a pid, :PORT, or the path of a script or module; with none, my
processes whose code lies under the current directory.

exit codes: 0 proven fresh, 1 stale, 2 misuse, 3 could not tell, 4 an action's
proof failed, 5 no process matched

examples:
  instep check 4242
  instep ps
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    # Nothing here makes cycles worth collecting; looking for them takes 2 ms of a small check.
    gc.disable()
    prepare_streams()
    try:
        return finish(_choose(sys.argv[1:] if argv is None else argv))
    except OSError as error:
        return fail(error)
    except KeyboardInterrupt:
        return 130


def _choose(arguments: list[str]) -> int:
    verb = arguments[0] if arguments else ""
    if verb in ("", "-h", "--help", "help"):
        sys.stdout.write(_help())
        return 0 if verb else 2
    if verb in ("-V", "--version"):
        sys.stdout.write(f"instep {__version__}\n")
        return 0
    if verb not in VERBS:
        sys.stderr.write(f"instep: {verb!r} is no verb\n{_help()}")
        return 2
    return _run(verb, arguments[1:])


def _run(verb: str, arguments: list[str]) -> int:
    try:
        return int(importlib.import_module(f"instep.cli.{verb}").run(arguments))
    except InstepError as error:
        complain(error)
        return error.exit_code


def _help() -> str:
    width = max(map(len, VERBS))
    rows = "\n".join(f"  {verb:<{width}}  {text}" for verb, text in VERBS.items())
    return f"{USAGE}\n\nverbs:\n{rows}\n\n{EPILOGUE}"
