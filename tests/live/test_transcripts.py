"""The transcripts in README.md and in the tutorial are what comes out."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

pytestmark = pytest.mark.live

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/transcript.py"


@pytest.fixture(scope="module")
def transcript() -> ModuleType:
    """The script that writes the transcripts."""
    spec = importlib.util.spec_from_file_location("transcript", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_transcripts_are_what_comes_out(transcript: ModuleType) -> None:
    """Apart from pids, times and versions; `python scripts/transcript.py --write` renews them."""
    shown, produced = transcript.shown(), transcript.produced()
    assert {name: transcript.masked(text) for name, text in shown.items()} == {
        name: transcript.masked(text) for name, text in produced.items()
    }


def test_transcripts_hold_no_path_of_a_machine(transcript: ModuleType) -> None:
    """Where they were made doesn't show in them."""
    text = "".join(transcript.shown().values())
    assert "python3 migrate.py" in text
    assert "/home/" not in text
    assert "/usr/" not in text
