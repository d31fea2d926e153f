"""The documentation names what there is, and all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from instep.cli.check import EXIT_CODES
from instep.cli.main import VERBS
from instep.model import verdicts
from instep.model.verdicts import (
    Cause,
    DefinitionVerdict,
    Kind,
    ModuleVerdict,
    Report,
    StaleFrame,
    Verdict,
)
from instep.render.check_json import process

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("*.md"), *CHECKOUT.glob("changelog.d/*.md")]
)
CAUSES = [cause for cause in vars(verdicts).values() if isinstance(cause, Cause)]
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


def page(name: str) -> str:
    """Return the text of a page."""
    return (CHECKOUT / name).read_text()


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(CHECKOUT)))
def test_links_lead_somewhere(file: Path) -> None:
    """Each link to a page of the repository names one that is there."""
    links = [link.partition("#")[0] for link in LINK.findall(file.read_text())]
    pages = [link for link in links if link.endswith(".md") and "://" not in link]
    assert [link for link in pages if not (file.parent / link).exists()] == []


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.code)
def test_each_cause_has_a_page(cause: Cause) -> None:
    """Its heading is the sentence that the command shows."""
    assert page(f"docs/causes/{cause.code}.md").startswith(f"# {cause.code}: {cause.text}\n")
    assert f"| [{cause.code}]({cause.code}.md) | {cause.text} |" in page("docs/causes/README.md")


def test_each_verb_is_described() -> None:
    """In the reference, under a heading of its own."""
    headings = re.findall(r"(?m)^## (.*)$", page("docs/reference/verbs.md"))
    assert headings == list(VERBS)


def test_each_exit_code_of_a_verdict_is_described() -> None:
    """And those of errors."""
    codes = set(map(int, re.findall(r"(?m)^\| (\d+) \|", page("docs/reference/exit-codes.md"))))
    assert set(EXIT_CODES.values()) | {2, 4, 5, 130, 141} == codes


def test_each_field_of_the_json_is_described() -> None:
    """Every key that can be written, and every word that stands for a verdict or a kind."""
    definition = DefinitionVerdict("f", Kind.BODY, 1, Verdict.UNPROVEN, "reason", "difference")
    causes, counts = tuple(CAUSES), dict.fromkeys(Verdict, 1)
    module = ModuleVerdict(
        "m", "/m.py", Verdict.STALE, "reason", causes, (definition,), ("a",), ("r",), counts
    )
    frame = StaleFrame(1, "f", 1, "/m.py")
    report = Report(
        pid=1,
        started=1.0,
        python="3.11.2",
        command=("python3",),
        directory="/",
        verdict=Verdict.UNPROVEN,
        reason="reason",
        modules=(module,),
        stale_frames=(frame,),
        issues=("issue",),
        elapsed_seconds=1.0,
        error="error",
    )
    described = set(re.findall(r"`([a-z_]+)`", page("docs/reference/json.md")))
    assert keys(process(report)) - described == set()
    assert {*map(str, Verdict), *map(str, Kind)} - described == set()


def keys(value: object) -> set[str]:
    """Return all keys of JSON objects in a value, however deep."""
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(keys, value))
    return set()


def test_the_tested_interpreters_are_named() -> None:
    """The page of what can be read names each described version."""
    text = page("docs/reference/support.md")
    described = sorted((CHECKOUT / "src/instep/cpython").glob("cp3*.py"))
    minors = [f"3.{file.stem.removeprefix('cp3')}" for file in described]
    assert [minor for minor in minors if not re.search(rf"\b{re.escape(minor)}\.\d", text)] == []
