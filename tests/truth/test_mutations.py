"""No edit of real code is called what it is not: a small part of `make truth`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from truth.campaign import Campaign

if TYPE_CHECKING:
    from pathlib import Path

    from live.found_interpreters import Interpreter

pytestmark = [pytest.mark.live, pytest.mark.slow]

EDITS = 40
SEED = 3


# Our parser warns of what it reads: invalid escapes, comparisons with literals.
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("bytecode", [True, False], ids=["bytecode", "no-bytecode"])
def test_verdicts_agree_with_what_the_process_says_of_itself(
    interpreter: Interpreter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bytecode: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Library code is proven fresh before any edit, and each edit gets a verdict that is so."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with Campaign(
        tmp_path / "campaign", interpreter, bytecode=bytecode, libraries=False, seed=SEED
    ) as campaign:
        assert campaign.untouched() == []
        campaign.run(EDITS)
        assert campaign.tally.wrong == []
        assert campaign.tally.edits == EDITS
