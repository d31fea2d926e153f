"""What ran at import is fresh only where the evidence is of what this process has loaded."""

from __future__ import annotations

import os
import py_compile
import time
from typing import TYPE_CHECKING

import pytest

from live.check_report import check
from live.own_programs import grow_old, own_program

if TYPE_CHECKING:
    from pathlib import Path

    from live.check_report import Cli
    from live.targets import TargetFactory

pytestmark = pytest.mark.live

WAIT = "import sys, _ready\n_ready.ready()\nsys.stdin.read()\n"
PLUG = "RATES = [{}]\n\ndef rates():\n    return RATES\n"
ENDED = """\
import sys, threading, _ready

RATES = [{}]

def serve():
    _ready.ready()
    sys.stdin.read()

if __name__ == "__main__":
    threading.Thread(target=serve).start()
"""
TWICE = """\
import sys, _ready

RATES = [{}]

def rates():
    return RATES

if __name__ == "__main__":
    _ready.ready()
    sys.stdin.readline()
    import program
    _ready.ready()
    sys.stdin.read()
"""
LAZY = """\
import importlib.util, sys
spec = importlib.util.find_spec("plug")
spec.loader = importlib.util.LazyLoader(spec.loader)
sys.modules["plug"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["plug"])
"""
NAMED = """\
class Name(str):
    pass

def rates():
    return {}

rates.__name__ = rates.__qualname__ = Name("rates")
"""


def leave_bytecode(file: Path, text: str) -> None:
    """Leave the bytecode of an older source beside a file, as tests that imported it do."""
    now = file.read_text()
    file.write_text(text.format(1))
    os.utime(file, (time.time() - 60,) * 2)
    py_compile.compile(str(file), doraise=True)
    file.write_text(now)
    grow_old(file.parent)


def test_relative_name(target: TargetFactory, tmp_path: Path, instep_cli: Cli) -> None:
    """Code that was run under a relative name is never passed over."""
    (tmp_path / "plug.py").write_text(PLUG.format(1))
    text = "import runpy\nplug = runpy.run_path('plug.py')\n" + WAIT
    running = target(own_program(tmp_path, text), cwd=tmp_path)
    (tmp_path / "plug.py").write_text("def rates():\n    return 2\n")
    assert check(instep_cli, running).verdict == "unproven"


@pytest.mark.parametrize("way", ["lib", "scripts/../lib"])
def test_renamed_folder(way: str, target: TargetFactory, tmp_path: Path, instep_cli: Cli) -> None:
    """A folder that was renamed into the place of another is noticed, whatever leads to it."""
    for number, name in enumerate(("lib", "lib.new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plug.py").write_text(PLUG.format(number))
    (tmp_path / "scripts").mkdir()
    text = f"import sys\nsys.path.append({str(tmp_path / way)!r})\nimport plug\n" + WAIT
    running = target(own_program(tmp_path, text), env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert check(instep_cli, running).verdict == "fresh"
    (tmp_path / "lib").rename(tmp_path / "lib.old")
    (tmp_path / "lib.new").rename(tmp_path / "lib")
    assert check(instep_cli, running).verdict == "unproven"


def test_script_that_ended(target: TargetFactory, tmp_path: Path, instep_cli: Cli) -> None:
    """A script's threads outlive its body; bytecode that others left is no witness of it."""
    program = own_program(tmp_path, ENDED.format(2))
    leave_bytecode(program, ENDED)
    running = target(program)
    program.write_text(ENDED.format(1))
    assert check(instep_cli, running).verdict == "unproven"


def test_code_that_was_executed(target: TargetFactory, tmp_path: Path, instep_cli: Cli) -> None:
    """Nor is it one of a file that was compiled and executed by hand."""
    plug = tmp_path / "plug.py"
    plug.write_text(PLUG.format(2))
    text = f"f = {str(plug)!r}\nexec(compile(open(f).read(), f, 'exec'), space := {{}})\n"
    program = own_program(tmp_path, text + WAIT)
    leave_bytecode(plug, PLUG)
    running = target(program)
    plug.write_text(PLUG.format(1))
    assert check(instep_cli, running).verdict == "unproven"


def test_script_imported_too(target: TargetFactory, tmp_path: Path, instep_cli: Cli) -> None:
    """Of a script that was imported too, its running body shows one of two modules only."""
    program = own_program(tmp_path, TWICE.format(1))
    running = target(program, env={"PYTHONDONTWRITEBYTECODE": "1"})
    program.write_text(TWICE.format(2))
    running.tell("import")
    running.wait_for("ready")
    program.write_text(TWICE.format(1))
    assert check(instep_cli, running).verdict == "unproven"


def test_lambdas_that_changed_places(
    target: TargetFactory, tmp_path: Path, instep_cli: Cli
) -> None:
    """Without columns, functions of one line and one name can't be told apart."""
    text = "OPS = [lambda a: {}, lambda a: {}]\n" + WAIT
    program = own_program(tmp_path, text.format("+a", "-a"))
    running = target(program, env={"PYTHONNODEBUGRANGES": "1"})
    program.write_text(text.format("-a", "+a"))
    assert check(instep_cli, running).verdict == "unproven"


def test_name_of_another_type(target: TargetFactory, tmp_path: Path, instep_cli: Cli) -> None:
    """A function whose name is an instance of a subclass of ``str`` is judged like any other."""
    (tmp_path / "plug.py").write_text(NAMED.format(1))
    running = target(own_program(tmp_path, "import plug\n" + WAIT))
    (tmp_path / "plug.py").write_text(NAMED.format(2))
    assert check(instep_cli, running).bad == {"rates": "stale"}


def test_notebook_cell(target: TargetFactory, tmp_path: Path, instep_cli: Cli) -> None:
    """A notebook's cell is compiled under a name that no file ever has: it is not judged."""
    cell = "space = {}\nexec(compile('def f(): 1', '/tmp/ipykernel_7/8.py', 'exec'), space)\n"
    running = target(own_program(tmp_path, cell + WAIT))
    assert check(instep_cli, running).verdict == "fresh"


def test_lazy_module(target: TargetFactory, tmp_path: Path, instep_cli: Cli) -> None:
    """A module that will be loaded when it is used first misses nothing of its file."""
    (tmp_path / "plug.py").write_text(PLUG.format(1))
    running = target(own_program(tmp_path, LAZY + WAIT))
    (tmp_path / "plug.py").write_text("ADDED = 1\n\ndef added():\n    return 1\n")
    assert check(instep_cli, running).verdict == "fresh"
