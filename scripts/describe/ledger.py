"""What a verification has checked, what it could not, and what was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Ledger:
    """Names that were checked, and the failures among them."""

    def __init__(self) -> None:
        self.checked: set[str] = set()
        self.failures: list[str] = []
        self.notes: list[str] = []

    def equal(self, names: str, found: object, expected: object) -> None:
        """Record that the names (separated by spaces) led to ``found``."""
        self.checked.update(names.split())
        if found != expected:
            self.failures.append(f"{names}: found {found!r}, expected {expected!r}")

    def note(self, text: str) -> None:
        """Keep a fact for the report."""
        self.notes.append(text)

    def unchecked(self, names: Iterable[str]) -> list[str]:
        """Return the names that no check has used."""
        return [name for name in names if name not in self.checked]
