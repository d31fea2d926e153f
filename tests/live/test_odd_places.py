"""Processes of other users, in other roots and in other namespaces are read like any."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live.check_report import check
from live.found_interpreters import CHECKOUT
from live.shop_edits import edit_price, expect_fresh, expect_only_price_stale, prove_edit
from live.targets import PROGRAMS, TargetFactory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live.check_report import Cli
    from live.found_interpreters import Interpreter

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="takes root: other users, roots, namespaces"),
]

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
EVERYBODY = 0o755
CHROOT = shutil.which("chroot", path=f"{os.defpath}:/usr/sbin:/sbin") or "chroot"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder with the programs that any user may enter and nobody owns."""
    folder = Path(tempfile.mkdtemp(prefix="instep-"))
    try:
        shutil.copytree(PROGRAMS, folder / "programs", ignore=shutil.ignore_patterns("__pycache__"))
        for place in [folder, *folder.rglob("*")]:
            place.chmod(EVERYBODY)
            os.chown(place, NOBODY, NOBODY)
        yield folder
    finally:
        shutil.rmtree(folder)


def may_be_run_by_nobody(interpreter: Interpreter) -> bool:
    """Whether another user reaches the interpreter."""
    version = "import platform; print(platform.python_version())"
    command = [*AS_NOBODY, *interpreter.argv, "-c", version]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() == interpreter.version


@pytest.fixture
def owned_by_nobody(
    interpreter: Interpreter, target: TargetFactory, open_folder: Path
) -> tuple[TargetFactory, Path]:
    """A factory of targets that belong to nobody, and the program for them."""
    if not may_be_run_by_nobody(interpreter):
        pytest.skip("only root reaches this interpreter")
    target.folder = open_folder
    return target, open_folder / "programs/odd_state.py"


def start_as_nobody(factory: TargetFactory, program: Path, interpreter: Interpreter) -> int:
    """Start a process that belongs to nobody and return its pid."""
    fifo = factory.folder / "ready-0"
    running = factory(
        program, "sleep", argv=[*AS_NOBODY, *interpreter.argv], cwd=program.parent, wait=False
    )
    os.chown(fifo, NOBODY, NOBODY)
    running.wait_for()
    return running.pid


def test_of_another_user(
    interpreter: Interpreter, owned_by_nobody: tuple[TargetFactory, Path], instep_cli: Cli
) -> None:
    """Root reads the process of another user."""
    factory, program = owned_by_nobody
    pid = start_as_nobody(factory, program, interpreter)
    prove_edit(instep_cli, pid, program.with_name("shop.py"))


def test_by_another_user(
    interpreter: Interpreter, owned_by_nobody: tuple[TargetFactory, Path], tmp_path: Path
) -> None:
    """Any user reads his own processes, with the target's own interpreter as well."""
    factory, program = owned_by_nobody
    source = factory.folder / "source"
    shutil.copytree(CHECKOUT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))

    def cli(*arguments: str | int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*AS_NOBODY, *interpreter.argv, "-m", "instep", *map(str, arguments)],
            env={"PYTHONPATH": str(source), "PATH": os.defpath, "HOME": str(factory.folder)},
            cwd=factory.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    pid = start_as_nobody(factory, program, interpreter)
    prove_edit(cli, pid, program.with_name("shop.py"))
    refused = cli("check", os.getpid(), "--json")
    (process,) = json.loads(refused.stdout)["processes"]
    assert (process["verdict"], refused.returncode) == ("unproven", 3)
    assert tmp_path


def test_chroot(interpreter: Interpreter, instep_cli: Cli) -> None:
    """A process in another root is compared with the files of that root."""
    if interpreter.chroot_argv is None or interpreter.root is None:
        pytest.skip("not unpacked")
    folder = Path(tempfile.mkdtemp(prefix="instep-", dir=Path(interpreter.root, "tmp")))
    inside = Path("/", folder.relative_to(interpreter.root))
    factory = TargetFactory(folder, interpreter)
    try:
        shutil.copytree(PROGRAMS, folder / "programs")
        running = factory(
            inside / "programs/odd_state.py",
            "sleep",
            argv=[CHROOT, *interpreter.chroot_argv[1:]],
            env={"INSTEP_READY_FIFO": str(inside / "ready-0")},
        )
        expect_fresh(check(instep_cli, running))
        edit_price(folder / "programs/shop.py")
        report = check(instep_cli, running, "-v")
        expect_only_price_stale(report, inside / "programs/shop.py")
    finally:
        factory.close()
        shutil.rmtree(folder)


def test_other_mount_namespace(
    interpreter: Interpreter, target: TargetFactory, instep_cli: Cli
) -> None:
    """A process with mounts of its own is compared with the files it sees."""
    if not may_be_run_by_nobody(interpreter):
        pytest.skip("only root reaches this interpreter")
    running = target("odd_state.py", "sleep", argv=["unshare", "--mount", *interpreter.argv])
    prove_edit(instep_cli, running, running.program.parent / "shop.py")


def test_other_process_namespace(
    interpreter: Interpreter, target: TargetFactory, instep_cli: Cli
) -> None:
    """A process that is the first of its own namespace is found under the pid it has here."""
    if not may_be_run_by_nobody(interpreter):
        pytest.skip("only root reaches this interpreter")
    unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    running = target("odd_state.py", "sleep", argv=[*unshare, *interpreter.argv])
    (child,) = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    prove_edit(instep_cli, int(child), running.program.parent / "shop.py")


def test_interpreter_that_only_root_reaches(
    interpreter: Interpreter, target: TargetFactory, instep_cli: Cli
) -> None:
    """In another mount namespace it is not run as root, and if nobody else may run it, told so."""
    if may_be_run_by_nobody(interpreter):
        pytest.skip("everybody reaches this interpreter")
    running = target("odd_state.py", "sleep", argv=["unshare", "--mount", *interpreter.argv])
    report = check(instep_cli, running)
    assert (report.verdict, report.exit_code) == ("unproven", 3)
    assert report.process["reason"]
