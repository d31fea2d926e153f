# ruff: noqa: INP001 - the demo copies this file into a folder of its own and runs it there
"""A long-running program: a thread migrates what the main loop is told to by standard input."""

from __future__ import annotations

import json
import sys
import threading
from queue import SimpleQueue

import work_package_migration  # type: ignore[import-not-found]  # beside this file when it runs

COMMENTS = (
    ("Anna", "2012-03-12 22:03:04", "First draft is attached."),
    ("Bela", "2012-03-13 08:41:17", "Please add the totals."),
    ("Anna", "2012-03-13 09:02:55", "Done."),
)


def main() -> None:
    """Read commands until standard input ends; answer each with one line of JSON."""
    inbox: SimpleQueue[tuple[str, str, str] | None] = SimpleQueue()
    outcomes: SimpleQueue[tuple[str, str]] = SimpleQueue()
    worker = threading.Thread(
        target=work_package_migration.migrate_comments,
        args=(inbox, outcomes, "journals.sqlite"),
    )
    worker.start()
    answer({"ready": True})
    for line in sys.stdin:
        if line.strip() == "migrate":
            answer(migrate_all(inbox, outcomes))
    inbox.put(None)
    worker.join()


def migrate_all(
    inbox: SimpleQueue[tuple[str, str, str] | None], outcomes: SimpleQueue[tuple[str, str]]
) -> dict[str, object]:
    """Migrate all comments up to the first that fails."""
    migrated = 0
    value = error = ""
    for comment in COMMENTS:
        inbox.put(comment)
        value, error = outcomes.get()
        if error:
            break
        migrated += 1
    return {"migrated": migrated, "value": value, "error": error}


def answer(content: dict[str, object]) -> None:
    """Write one line of JSON."""
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
