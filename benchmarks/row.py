"""A row of the table: what was measured, against what, and whether that is good enough."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never


class Unit(Enum):
    """What a value counts; values are kept in seconds and bytes."""

    SECONDS = "s"
    BYTES = "B"


@dataclass(frozen=True, slots=True)
class Peer:
    """What the value is compared with, measured in the same run."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Limit:
    """The goal is an amount, in the unit of the row."""

    value: float


@dataclass(frozen=True, slots=True)
class RatioLimit:
    """The goal is a multiple of the peer."""

    value: float


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement."""

    what: str
    value: float
    unit: Unit
    peer: Peer | None = None
    goal: Limit | RatioLimit | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the peer."""
        return self.value / self.peer.value if self.peer is not None else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is no goal."""
        match self.goal:
            case None:
                return None
            case Limit(limit):
                return self.value <= limit
            case RatioLimit(limit):
                return self.ratio is not None and self.ratio <= limit
            case _:
                assert_never(self.goal)


@dataclass(frozen=True, slots=True)
class Missing:
    """What could not be measured, and why."""

    what: str
    reason: str
