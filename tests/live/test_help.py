"""The help of every verb."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from instep.cli.main import VERBS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from live.targets import TargetFactory

# Whatever else runs on the machine decides what ps and a verdict come to; misuse it never is.
ANSWERS = {0, 1, 3}


@pytest.mark.parametrize("verb", VERBS)
def test_the_examples_of_a_verb_run(
    verb: str,
    target: TargetFactory,
    instep_cli: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """The help of each verb ends in two examples, and both do what they say."""
    listening = target("listening.py")
    port = listening.program.with_suffix(".port").read_text()
    shown = instep_cli(verb, "--help").stdout.partition("examples:\n")[2]
    examples = [line.split() for line in shown.splitlines() if line.strip()]
    assert len(examples) == 2
    for name, *words in examples:
        assert name == "instep"
        given = [
            {"4242": str(listening.pid), ":8000": f":{port}"}.get(word, word) for word in words
        ]
        done = instep_cli(*given)
        assert done.returncode in ANSWERS, done.stderr
        assert done.stdout
