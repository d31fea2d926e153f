"""``ps``: every Python process, with its verdict."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from instep.app.check import Options, check_process, failed_report
from instep.app.targets import is_python
from instep.errors import InstepError, NoSuchProcess, NotPython, NotReadable, ProcessEnded
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
    for pid in pids():
        if pid == os.getpid():
            continue
        try:
            with ProcessHandle(pid) as handle:
                if not is_python(handle):
                    continue
                uid = handle.owner()[0]
                command = handle.command()
        except InstepError:
            continue
        try:
            yield ListedProcess(check_process(pid, options), readable=True, uid=uid)
        except (NoSuchProcess, ProcessEnded, NotPython):
            continue
        except InstepError as error:
            report = failed_report(pid, error)._replace(command=command)
            yield ListedProcess(report, readable=not isinstance(error, NotReadable), uid=uid)
