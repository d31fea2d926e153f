"""Code of a target's own: orders of a shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prices import Price, gross

if TYPE_CHECKING:
    from collections.abc import Iterable


class Order:
    """Some articles, and what they cost together."""

    def __init__(self, customer: str) -> None:
        self.customer = customer
        self.lines: list[tuple[str, Price, int]] = []

    def add(self, article: str, price: Price, count: int = 1) -> None:
        """Take one more article."""
        if count < 1:
            raise ValueError(f"{count} of {article}")
        self.lines.append((article, price, count))

    def total(self, tax: int = 19) -> Price:
        """The sum of all lines, with tax."""
        cents = sum(price.cents * count for _, price, count in self.lines)
        return gross(Price(cents), tax)

    def largest(self) -> tuple[str, Price, int] | None:
        """The line that costs most."""
        return max(self.lines, key=lambda line: line[1].cents * line[2], default=None)


def by_customer(orders: Iterable[Order]) -> dict[str, list[Order]]:
    """Orders, grouped."""
    groups: dict[str, list[Order]] = {}
    for order in orders:
        groups.setdefault(order.customer, []).append(order)
    return groups
