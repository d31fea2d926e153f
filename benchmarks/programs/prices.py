"""Code of a target's own: amounts of money."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Price:
    """An amount in cents."""

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def shown(self) -> str:
        """As people write it."""
        return f"{self.cents // 100}.{self.cents % 100:02}"


def gross(price: Price, tax: int) -> Price:
    """A price with tax, rounded to the cent."""
    return Price(price.cents + (price.cents * tax + 50) // 100)


def cheapest(prices: Iterable[Price], below: Price | None = None) -> Price | None:
    """The lowest price, of those below a limit if there is one."""
    fitting = [price for price in prices if below is None or price.cents < below.cents]
    return min(fitting, key=lambda price: price.cents, default=None)
