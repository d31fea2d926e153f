"""The edit of `shop` that most live tests make, and what a check has to say after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from live.check_report import FINE, CheckReport, check

if TYPE_CHECKING:
    from pathlib import Path

    from live.check_report import Cli
    from live.targets import Target

OLD_LINE = "        total += RATE\n"
NEW_LINES = "        total += RATE\n        total += 1\n"
BELOW_PRICE = {
    "discount",
    "Basket.__init__",
    "Basket.add",
    "Basket.full",
    "clerk",
    "enroll",
    "work",
}


def edit_price(file: Path) -> Path:
    """Change `price` in such a way that all below it moves by a line."""
    text = file.read_text()
    assert OLD_LINE in text
    file.write_text(text.replace(OLD_LINE, NEW_LINES))
    return file


def expect_fresh(report: CheckReport) -> None:
    """All is fresh, nothing even moved."""
    assert report.not_fresh == {}
    assert set(report.counts) == {"fresh"}
    assert (report.verdict, report.exit_code) == ("fresh", 0)


def expect_only_price_stale(report: CheckReport, file: Path) -> None:
    """`price` is stale, what is below it moved, and nothing is wrong with anything else."""
    module = report.module(file)
    found = {one["qualname"]: one["verdict"] for one in module["definitions"]}
    assert module["verdict"] == "stale"
    bad = [one for one in module["definitions"] if one["verdict"] not in FINE]
    assert [one["qualname"] for one in bad] == ["price"], bad
    assert report.bad == {"price": "stale"}
    moved = {name for name, verdict in found.items() if verdict == "moved"}
    assert moved >= BELOW_PRICE
    assert (module["added"], module["removed"]) == ([], [])
    assert report.not_fresh == {module["name"]: ("stale", "")}
    assert (report.verdict, report.exit_code) == ("stale", 1)


def prove_edit(cli: Cli, running: Target | int, file: Path, *options: str) -> None:
    """Check before and after the edit of one function."""
    expect_fresh(check(cli, running, *options))
    edit_price(file)
    expect_only_price_stale(check(cli, running, "-v"), file)
