"""A target of about 36,000 functions: Django, NumPy, SymPy and two own modules."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

import orders
import readiness

if TYPE_CHECKING:
    from collections.abc import Iterator

WANTED_MODULES = 1300
APPLICATIONS = ["admin", "auth", "contenttypes", "sessions", "messages"]
# Modules of tests, and those that do something on import.
LEFT_OUT = ("tests", "test", "testing", "conftest", "benchmarks", "__main__", "this")


def submodules(package: str) -> Iterator[str]:
    """The names below a package, those of one folder in alphabetical order."""
    waiting = [package]
    while waiting:
        name = waiting.pop()
        loaded = sys.modules.get(name)
        found = pkgutil.iter_modules(getattr(loaded, "__path__", ()), f"{name}.")
        for module in sorted(found, key=lambda each: each.name):
            last = module.name.rpartition(".")[2]
            if last in LEFT_OUT or last.startswith("test_"):
                continue
            yield module.name
            if module.ispkg:
                waiting.append(module.name)


def set_up_django() -> None:
    """Load Django with the applications that most sites have."""
    # Not by an import statement: the type checker's environment has no Django.
    django = importlib.import_module("django")
    settings = importlib.import_module("django.conf").settings
    applications = [f"django.contrib.{name}" for name in APPLICATIONS]
    settings.configure(INSTALLED_APPS=applications, USE_I18N=False)
    django.setup()


def main() -> None:
    """Import until there are enough modules."""
    warnings.simplefilter("ignore")
    set_up_django()
    for package in ("numpy", "sympy"):
        importlib.import_module(package)
    for package in ("sympy", "django", "numpy"):
        for name in submodules(package):
            if len(sys.modules) >= WANTED_MODULES:
                break
            # Some need a database, or a library that isn't there.
            with suppress(Exception):
                importlib.import_module(name)
    order = orders.Order("someone")
    order.total()
    readiness.wait_as_target()


main()
