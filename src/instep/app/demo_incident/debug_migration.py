# ruff: noqa: INP001 - the demo copies this file into a folder of its own and runs it there
"""Tries the migration on one comment, in a process of its own and a database in memory."""

import json
import sys
from queue import SimpleQueue

import work_package_migration  # type: ignore[import-not-found]  # beside this file when it runs


def main() -> None:
    """Migrate one comment and write what came of it."""
    inbox: SimpleQueue[tuple[str, str, str] | None] = SimpleQueue()
    outcomes: SimpleQueue[tuple[str, str]] = SimpleQueue()
    inbox.put(("Anna", "2012-03-12 22:03:04", "First draft is attached."))
    inbox.put(None)
    work_package_migration.migrate_comments(inbox, outcomes, ":memory:")
    value, error = outcomes.get()
    sys.stdout.write(json.dumps({"migrated": not error, "value": value, "error": error}) + "\n")


if __name__ == "__main__":
    main()
