"""Native extension modules: the file that is mapped against the file on disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from instep.model.verdicts import LOADED_BEFORE_EDIT, SOURCE_GONE, ModuleVerdict, Verdict

if TYPE_CHECKING:
    from instep.disk.sources import Root
    from instep.process.maps import Mapping

DELETED = " (deleted)"
EXTENSIONS = (".so", ".pyd")


def judge_extension(name: str, file: str, mappings: list[Mapping], root: Root) -> ModuleVerdict:
    """The verdict on an extension module, by the identity of the mapped file.

    While a file is mapped its inode can't be reused, so the same inode is the same file, and its
    pages are shared with the file: what is mapped is what is on disk.
    """
    mapped = [one for one in mappings if one.path.removesuffix(DELETED) == file]
    none = dict.fromkeys(Verdict, 0)
    if not mapped:
        reason = "its file is not mapped under this name"
        return ModuleVerdict(name, file, Verdict.UNPROVEN, reason, (), (), (), (), none)
    try:
        descriptor = root.open(file)
    except FileNotFoundError:
        reason = "the file is gone; the process still has it mapped"
        return ModuleVerdict(name, file, Verdict.ORPHANED, reason, (SOURCE_GONE,), (), (), (), none)
    except OSError as error:
        reason = f"the file can't be read: {(error.strerror or str(error)).lower()}"
        return ModuleVerdict(name, file, Verdict.UNPROVEN, reason, (), (), (), (), none)
    try:
        inode = os.fstat(descriptor).st_ino
    finally:
        os.close(descriptor)
    if any(one.inode == inode and not one.path.endswith(DELETED) for one in mapped):
        return ModuleVerdict(name, file, Verdict.FRESH, "", (), (), (), (), none)
    reason = "another file is mapped than the one on disk"
    return ModuleVerdict(name, file, Verdict.STALE, reason, (LOADED_BEFORE_EDIT,), (), (), (), none)
