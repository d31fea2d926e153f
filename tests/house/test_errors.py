"""Every error leads to a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from instep import errors

PAGES = Path(__file__).resolve().parents[2] / "docs/errors"
CLASSES = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, errors.InstepError)
]


@pytest.mark.parametrize("error", [one for one in CLASSES if one is not errors.InstepError])
def test_every_error_has_a_page(error: type[errors.InstepError]) -> None:
    """Each slug is a page in docs/errors, and no two errors share one."""
    assert (PAGES / f"{error.slug}.md").read_text().startswith(f"# {error.slug}\n")
    assert [one for one in CLASSES if one.slug == error.slug] == [error]


def test_every_page_has_an_error() -> None:
    """No page is left of an error that is no more."""
    assert {page.stem for page in PAGES.glob("*.md")} <= {one.slug for one in CLASSES}
