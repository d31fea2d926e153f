"""Runs `check --json` on a target and gives its answer in a form that tests compare."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from live.targets import Target

    Cli = Callable[..., subprocess.CompletedProcess[str]]

FINE = {"fresh", "moved"}


@dataclass(frozen=True)
class CheckReport:
    """The exit code of a check and the one process in its JSON."""

    exit_code: int
    process: dict[str, Any]

    @property
    def verdict(self) -> str:
        """The verdict on the whole process."""
        return self.process["verdict"]

    @property
    def counts(self) -> dict[str, int]:
        """How many functions got which verdict, without the zeros, and without the sums."""
        sums = {"modules", "functions"}
        counts = self.process["counts"]
        return {name: count for name, count in counts.items() if count and name not in sums}

    def module(self, file: Path | str) -> dict[str, Any]:
        """The one module of this file."""
        (found,) = [one for one in self.process["modules"] if one["file"] == str(file)]
        return found

    def definitions(self, *verdicts: str) -> dict[str, str]:
        """The definitions with these verdicts, in all modules, by qualname."""
        return {
            one["qualname"]: one["verdict"]
            for module in self.process["modules"]
            for one in module["definitions"]
            if one["verdict"] in verdicts
        }

    @property
    def bad(self) -> dict[str, str]:
        """All definitions that are neither fresh nor moved."""
        return self.definitions("stale", "orphaned", "unproven")

    @property
    def not_fresh(self) -> dict[str, tuple[str, str]]:
        """The modules that are not fresh, by name: verdict and reason."""
        return {
            one["name"]: (one["verdict"], one.get("reason", ""))
            for one in self.process["modules"]
            if one["verdict"] not in FINE
        }


def check(cli: Cli, target: Target | int, *options: str, **how: Any) -> CheckReport:
    """Check one process and return the answer; the output is one JSON object and nothing else."""
    pid = target if isinstance(target, int) else target.pid
    result = cli("check", pid, "--json", *options, **how)
    assert result.stdout.startswith("{"), result.stderr
    answer = json.loads(result.stdout)
    (process,) = answer["processes"]
    assert answer["schema"] == "instep.check/1"
    assert answer["verdict"] == process["verdict"]
    assert process["verdict"] != "unproven" or process["reason"]
    assert "error" not in process, result.stderr
    return CheckReport(result.returncode, process)
