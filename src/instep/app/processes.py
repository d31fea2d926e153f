"""List processes: every Python process of this machine, with its verdict."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from instep.app.check import Options, check_process, failed_report
from instep.app.targets import is_python
from instep.errors import InstepError, NoSuchProcess, NotPython, NotReadable, ProcessEnded
from instep.system.parallel import map_forked
from instep.system.processes import ProcessHandle, pids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instep.model.verdicts import Report


class ListedProcess(NamedTuple):
    """A row of ``ps``; ``readable`` is false where only the reason can be told."""

    report: Report
    readable: bool
    uid: int


def list_processes(options: Options) -> Iterator[ListedProcess]:
    """Judge every Python process of this machine; those that may not be read come with why."""
    found = [pid for pid in pids() if pid != os.getpid() and _is_candidate(pid)]
    for listed in map_forked(partial(_judge, options._replace(workers=1)), found):
        if listed is not None:
            yield listed


def _is_candidate(pid: int) -> bool:
    try:
        with ProcessHandle(pid) as handle:
            return is_python(handle)
    except InstepError:
        return False


def _judge(options: Options, pid: int) -> ListedProcess | None:
    try:
        with ProcessHandle(pid) as handle:
            uid, command = handle.owner()[0], handle.command()
    except InstepError:
        return None
    try:
        return ListedProcess(check_process(pid, options), readable=True, uid=uid)
    except (NoSuchProcess, ProcessEnded, NotPython):
        return None
    except InstepError as error:
        report = failed_report(pid, error)._replace(command=command)
        return ListedProcess(report, readable=not isinstance(error, NotReadable), uid=uid)
