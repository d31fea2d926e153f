"""A target of about 1,000 functions: parts of the standard library and two own modules."""

import importlib

import orders
import readiness

WANTED_FUNCTIONS = 1000
# In small steps; asyncio alone would bring 2,700.
LIBRARY = ("json", "csv", "decimal", "textwrap", "string", "contextlib", "fractions", "argparse")


def main() -> None:
    """Import until there are enough functions."""
    for name in LIBRARY:
        if readiness.live_functions() >= WANTED_FUNCTIONS:
            break
        importlib.import_module(name)
    order = orders.Order("someone")
    order.total()
    readiness.wait_as_target()


main()
