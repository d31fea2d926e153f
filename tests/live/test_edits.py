"""Each kind of edit gets the verdict that evidence allows: never fresh if behaviour changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from live.check_report import check
from live.shop_edits import expect_fresh
from live.source_edits import EDITS, NONE, Edit, Names

if TYPE_CHECKING:
    from live.check_report import CheckReport, Cli
    from live.found_interpreters import Interpreter
    from live.targets import TargetFactory

pytestmark = pytest.mark.live

Outcome = tuple[str, int, Names]


def expected(edit: Edit, *, witnessed: bool) -> Outcome:
    """The verdict, the exit code and the definitions that an edit must lead to."""
    names = edit.witnessed if witnessed else edit.alone
    if names:
        return "stale", 1, names
    if edit.harmless and witnessed:
        return "fresh", 0, NONE
    return "unproven", 3, NONE


def outcome(report: CheckReport) -> Outcome:
    """What a check said. What is orphaned is as bad as what is stale."""
    (module,) = [one for one in report.process["modules"] if one["name"] == "editable"]
    names = report.definitions("stale", "orphaned").keys() | module["added"]
    verdict = "stale" if report.verdict == "orphaned" else report.verdict
    # Comprehensions were code of their own until 3.11 (PEP 709).
    found = {name.replace("<listcomp>", "<module>") for name in names}
    return verdict, report.exit_code, frozenset(found)


@pytest.mark.parametrize("witnessed", [True, False], ids=["bytecode", "none"])
@pytest.mark.usefixtures("interpreter")
def test_edits(witnessed: bool, target: TargetFactory, instep_cli: Cli) -> None:  # noqa: FBT001
    """What ran only at import is proven by old bytecode, by values that it left, or not at all."""
    environment = {} if witnessed else {"PYTHONDONTWRITEBYTECODE": "1"}
    running = target("edited.py", env=environment)
    expect_fresh(check(instep_cli, running))
    file = running.program.with_name("editable.py")
    text = file.read_text()
    found: dict[str, Outcome] = {}
    for edit in EDITS:
        file.write_text(edit.applied(text))
        found[edit.what] = outcome(check(instep_cli, running))
    assert found == {edit.what: expected(edit, witnessed=witnessed) for edit in EDITS}


@pytest.mark.parametrize("bytecode", ["1", ""], ids=["none", "bytecode"])
def test_annotation(
    bytecode: str, interpreter: Interpreter, target: TargetFactory, instep_cli: Cli
) -> None:
    """An annotation is a statement of the module, and since 3.14 a function of its own."""
    running = target("edited.py", env={"PYTHONDONTWRITEBYTECODE": bytecode})
    file = running.program.with_name("editable.py")
    file.write_text(file.read_text().replace("amount: int", "amount: float"))
    report = check(instep_cli, running)
    found = {name.rpartition(".")[2] for name in report.bad}
    if interpreter.minor in ("3.11", "3.12", "3.13"):
        assert found == (set() if bytecode else {"<module>"})
        assert report.exit_code == (3 if bytecode else 1)
    else:
        assert found == {"__annotate__"}
        assert report.exit_code == 1
