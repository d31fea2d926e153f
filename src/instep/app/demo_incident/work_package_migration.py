# ruff: noqa: INP001 - the demo copies this file into a folder of its own and runs it there
"""Moves comments of work packages into a table that wants ISO 8601 times."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from queue import SimpleQueue

    Comment = tuple[str, str, str]
    Outcome = tuple[str, str]

TABLE = """
CREATE TABLE IF NOT EXISTS journals (
    author TEXT NOT NULL,
    validity_start TEXT NOT NULL
        CONSTRAINT validity_start_is_iso_8601
        CHECK (validity_start GLOB '????-??-??T??:??:??Z'),
    notes TEXT NOT NULL
)
"""
INSERT = "INSERT INTO journals VALUES (?, ?, ?)"


def migrate_comments(
    inbox: SimpleQueue[Comment | None], outcomes: SimpleQueue[Outcome], database: str
) -> None:
    """Insert every comment that arrives, and tell what came of it, until ``None`` arrives."""
    connection = sqlite3.connect(database)
    connection.execute(TABLE)
    for author, created, notes in iter(inbox.get, None):
        validity_start = created
        try:
            with connection:
                connection.execute(INSERT, (author, validity_start, notes))
        except sqlite3.IntegrityError as error:
            outcomes.put((validity_start, f"sqlite3.IntegrityError: {error}"))
        else:
            outcomes.put((validity_start, ""))
    connection.close()
