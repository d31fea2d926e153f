"""Sources that are gone, broken, odd, elsewhere, or no files at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, NamedTuple

import pytest

from live.own_programs import TEXT, grow_old, own_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from live.targets import Target, TargetFactory

    Cli = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.live
LIBRARY = "def call():\n    return 42\n"


class Loaded(NamedTuple):
    """A process that has imported a module of its own, and the file of that."""

    process: Target
    file: Path


class Answer(NamedTuple):
    """What was found of one module."""

    code: int
    verdict: str
    reason: str
    causes: list[str]


@pytest.fixture
def loaded(target: TargetFactory, tmp_path: Path) -> Callable[..., Loaded]:
    """Start a process that imports `library`."""

    def start(source: str | bytes = LIBRARY, folder: Path | None = None) -> Loaded:
        place = folder or tmp_path / "own"
        place.mkdir(exist_ok=True)
        file = place / "library.py"
        if not file.exists():
            file.write_bytes(source.encode() if isinstance(source, str) else source)
        program = own_program(place, f"import library\n{TEXT}")
        return Loaded(target(program), file)

    return start


@pytest.fixture
def answer(instep_cli: Cli) -> Callable[..., Answer]:
    """Check a process and return what was found of a module."""

    def check(process: Target, name: str = "library", **options: object) -> Answer:
        done = instep_cli("check", "--json", "-v", process.pid, **options)
        assert "Traceback" not in done.stderr, done.stderr
        modules = json.loads(done.stdout)["processes"][0]["modules"]
        one = next(module for module in modules if module["name"] == name)
        causes = [cause["code"] for cause in one["causes"]]
        return Answer(done.returncode, one["verdict"], one.get("reason", ""), causes)

    return check


Load = "Callable[..., Loaded]"
Ask = "Callable[..., Answer]"


def test_unchanged(loaded: Load, answer: Ask) -> None:
    """A source that nobody touched is fresh: what the other tests start from."""
    assert answer(loaded().process) == (0, "fresh", "", [])


def test_source_that_no_longer_compiles(loaded: Load, answer: Ask) -> None:
    """The line that no longer compiles is named."""
    process, file = loaded()
    file.write_text(LIBRARY + "\n\ndef broken(:\n")
    found = answer(process)
    assert (found.code, found.causes) == (3, ["IS104"])
    assert "the source no longer compiles: line 5: invalid syntax" in found.reason


BROKEN = {
    "null bytes": (b"x = 1\0\n", "null bytes"),
    "unknown encoding": (b"# coding: klingon\nx = 1\n", "klingon"),
    "not in its encoding": (b"x = '\xff'\n", "utf-8"),
    "another byte order": ("x = 1\n".encode("utf-16"), "no longer compiles"),
    "newer syntax": (b"type A[**P] = 1 +\n", "line 1"),
    "no program": (os.urandom(64) + b"\0", "no longer compiles"),
    "deeply nested": (b"(" * 100_000, "no longer compiles"),
    "very deep": (b"-" * 200_000 + b"1", ""),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_sources_that_are_no_programs(loaded: Load, answer: Ask, kind: str) -> None:
    """Whatever stands in a source, the answer is unproven with a reason."""
    process, file = loaded()
    text, reason = BROKEN[kind]
    file.write_bytes(text)
    found = answer(process)
    assert (found.code, found.verdict, reason in found.reason) == (3, "unproven", True), found


ODD = {
    "latin-1": "# coding: latin-1\nNAME = 'é'\ndef call(): return 'ä'\n".encode("latin-1"),
    "with a mark": b"\xef\xbb\xbfdef call(): return 42\n",
    "empty": b"",
    "windows lines": b"def call():\r\n    return 42\r\n",
    "old mac lines": b"def call():\r    return 42\r",
    "no last line end": b"def call(): return 42",
    "form feeds": b"\x0cdef call(): return 42\n\x0c",
    "surrogates": b"def call(): return '\\ud800', '\\0'\n",
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_sources_are_fresh(loaded: Load, answer: Ask, kind: str) -> None:
    """Odd encodings, line ends and empty files are read as the interpreter reads them."""
    assert answer(loaded(ODD[kind]).process) == (0, "fresh", "", [])


def test_deleted_and_renamed(loaded: Load, answer: Ask) -> None:
    """A source that was deleted or renamed leaves its code orphaned, and that is told."""
    process, file = loaded()
    file.rename(file.with_name("renamed.py"))
    found = answer(process)
    assert (found.code, found.verdict, found.causes) == (1, "orphaned", ["IS102"])


def in_its_place(kind: str, file: Path) -> None:
    """Put something else in the place of a source."""
    if kind == "folder":
        file.mkdir()
    elif kind == "fifo":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "loop":
        file.symlink_to(file)
    elif kind == "huge":
        with file.open("wb") as sparse:
            sparse.truncate((64 << 20) + 1)
    else:
        file.symlink_to("/proc/kmsg")


PLACES = {
    "folder": "it is no regular file",
    "fifo": "it is no regular file",
    "device": "it is no regular file",
    "loop": "too many levels of symbolic links",
    "huge": "it is larger than 64 MiB",
}


@pytest.mark.parametrize("kind", PLACES)
def test_other_things_in_the_place_of_a_source(loaded: Load, answer: Ask, kind: str) -> None:
    """What is no source is not opened, and the reason says what it is."""
    process, file = loaded()
    file.unlink()
    in_its_place(kind, file)
    found = answer(process)
    assert found[:3] == (3, "unproven", f"the source can't be read: {PLACES[kind]}")


def test_file_of_the_kernel_in_the_place_of_a_source(loaded: Load, answer: Ask) -> None:
    """Files that the kernel makes up are not read: some block, and some are emptied by it."""
    process, file = loaded()
    file.unlink()
    in_its_place("kernel", file)
    assert answer(process).verdict != "fresh"


def test_source_that_is_written_all_the_time(loaded: Load, instep_cli: Cli) -> None:
    """A source that is rewritten during every reading gives an answer, never a wrong fresh one."""
    process, file = loaded()
    writer = (
        "import sys\n"
        "data = open(sys.argv[1], 'rb').read().replace(b'42', b'43') + b'#' * 100_000\n"
        "print('ready', flush=True)\n"
        "while True: open(sys.argv[1], 'wb').write(data)\n"
    )
    command = [sys.executable, "-c", writer, file]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writing:
        assert writing.stdout is not None
        writing.stdout.readline()
        codes = {instep_cli("check", process.pid).returncode for _ in range(3)}
        writing.kill()
    assert codes <= {1, 3}


def test_swapped_release(target: TargetFactory, answer: Ask, tmp_path: Path) -> None:
    """A link that leads to another release now is no fresh code, if only a body differs."""
    for name, level in (("first", 1), ("second", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "library.py").write_text(f"LEVEL = {level}\n{LIBRARY}")
    current = tmp_path / "current"
    current.symlink_to("first")
    path = f"import sys\nsys.path.insert(0, {str(current)!r})\n"
    process = target(own_program(tmp_path, f"{path}import library\n{TEXT}"))
    assert answer(process).code == 0
    (tmp_path / "next").symlink_to("second")
    (tmp_path / "next").rename(current)
    assert answer(process).code in {1, 3}


def test_linked_tree(loaded: Load, answer: Ask, tmp_path: Path) -> None:
    """A source tree that is reached by a link is judged by the files it leads to."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    process, _ = loaded(folder=tmp_path / "link")
    assert answer(process).code == 0
    (tmp_path / "real/library.py").write_text(LIBRARY.replace("42", "43"))
    assert answer(process)[:2] == (1, "stale")


FINDER = """\
import sys
from importlib.util import spec_from_file_location
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "library":
            return spec_from_file_location(name, {file!r})
sys.meta_path.append(Finder)
"""


@pytest.mark.parametrize("kind", ["path", "finder"])
def test_editable_install(target: TargetFactory, answer: Ask, tmp_path: Path, kind: str) -> None:
    """An editable install is the target's own code, whichever way it was made."""
    project, packages = tmp_path / "project", tmp_path / "lib/site-packages"
    project.mkdir()
    packages.mkdir(parents=True)
    file = project / "library.py"
    file.write_text(LIBRARY)
    (packages / "finder.py").write_text(FINDER.format(file=str(file)))
    line = str(project) if kind == "path" else "import finder"
    (packages / "editable.pth").write_text(line + "\n")
    text = f"import site\nsite.addsitedir({str(packages)!r})\nimport library\n{TEXT}"
    (tmp_path / "own").mkdir()
    program = own_program(tmp_path / "own", text)
    grow_old(project)
    process = target(program)
    assert answer(process) == (0, "fresh", "", [])
    file.write_text(LIBRARY.replace("42", "43"))
    assert answer(process)[:2] == (1, "stale")


def test_module_in_a_zip_file(target: TargetFactory, instep_cli: Cli, tmp_path: Path) -> None:
    """Code that was imported from an archive is never called fresh, and the reason names it."""
    archive = tmp_path / "library.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("library.py", LIBRARY)
    (tmp_path / "own").mkdir()
    text = f"import sys\nsys.path.insert(0, {str(archive)!r})\nimport library\n{TEXT}"
    process = target(own_program(tmp_path / "own", text))
    done = instep_cli("check", process.pid)
    assert (done.returncode, "zipimporter" in done.stdout) == (3, True), done.stdout


def test_module_without_a_source(target: TargetFactory, answer: Ask, tmp_path: Path) -> None:
    """A bytecode file without a source is what its module is compared with."""
    place = tmp_path / "own"
    place.mkdir()
    program = own_program(place, f"import library\n{TEXT}")
    python = target.default.argv

    def compiled(text: str) -> None:
        (tmp_path / "library.py").write_text(text)
        code = "import sys, py_compile; py_compile.compile(sys.argv[1], sys.argv[2], doraise=True)"
        command = [*python, "-c", code, tmp_path / "library.py", place / "library.pyc"]
        subprocess.run(command, check=True)

    compiled(LIBRARY)
    (tmp_path / "library.py").unlink()
    grow_old(place)
    process = target(program)
    assert answer(process)[:2] == (0, "fresh")
    compiled(LIBRARY.replace("42", "43"))
    assert answer(process)[:2] == (1, "stale")
    (place / "library.pyc").write_bytes(b"\0" * 100)
    assert answer(process).code == 3


def test_current_folder_that_is_gone(loaded: Load, instep_cli: Cli, tmp_path: Path) -> None:
    """Neither a target nor instep itself needs the folder it was started in."""
    gone = tmp_path / "gone"
    gone.mkdir()
    process, _ = loaded()
    command = f"cd {gone} && rmdir {gone} && exec {sys.executable} -m instep check {process.pid}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    assert instep_cli("check", process.pid).returncode == 0
