"""A check as JSON: schema ``instep.check/1``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from instep.model.verdicts import Verdict
from instep.render.words import iso

if TYPE_CHECKING:
    from collections.abc import Iterable

    from instep.model.verdicts import DefinitionVerdict, ModuleVerdict, Report

# instep.check/1: first form.
SCHEMA = "instep.check/1"


def render_check(reports: Iterable[Report], verdict: Verdict, schema: str = SCHEMA) -> str:
    """One JSON object on one or more processes, and the verdict on all of them."""
    content = {
        "schema": schema,
        "verdict": verdict.value,
        "processes": [process(report) for report in reports],
    }
    return json.dumps(content, indent=2, ensure_ascii=True) + "\n"


def process(report: Report) -> dict[str, object]:
    """One process as JSON values."""
    functions = {
        verdict.value: sum(module.counts[verdict] for module in report.modules)
        for verdict in Verdict
    }
    content: dict[str, object] = {
        "pid": report.pid,
        "started": iso(report.started) if report.started else None,
        "python": report.python or None,
        "command": list(report.command),
        "directory": report.directory,
        "witness": "memory",
        "verdict": report.verdict.value,
        "elapsed_seconds": round(report.elapsed_seconds, 6),
        "counts": {
            "modules": len(report.modules),
            "functions": sum(functions.values()),
            **functions,
        },
        "modules": [_module(module) for module in report.modules],
        "stale_frames": [
            {
                "thread": frame.thread,
                "qualname": frame.qualname,
                "line": frame.line,
                "file": frame.file,
            }
            for frame in report.stale_frames
        ],
        "issues": list(report.issues),
    }
    if report.verdict is Verdict.UNPROVEN:
        content["reason"] = report.reason
    if report.error:
        content["error"] = report.error
    return content


def _module(module: ModuleVerdict) -> dict[str, object]:
    content: dict[str, object] = {
        "name": module.name,
        "file": module.file,
        "verdict": module.verdict.value,
        "causes": [{"code": cause.code, "text": cause.text} for cause in module.causes],
        "definitions": [_definition(one) for one in module.definitions],
        "added": list(module.added),
        "removed": list(module.removed),
    }
    if module.reason:
        content["reason"] = module.reason
    if module.edited is not None and module.causes:
        content["edited"] = iso(module.edited)
    return content


def _definition(one: DefinitionVerdict) -> dict[str, object]:
    content: dict[str, object] = {
        "qualname": one.qualname,
        "kind": one.kind.value,
        "line": one.line,
        "verdict": one.verdict.value,
    }
    if one.reason or one.verdict is Verdict.UNPROVEN:
        content["reason"] = one.reason
    if one.difference:
        content["difference"] = one.difference
    return content
