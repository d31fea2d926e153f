"""The target's interpreter, run again as a compiler: confined, and its answers not trusted."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.disk.answers import decode_outline, read_codes, read_data
from instep.disk.compiler import Compiler
from instep.disk.compiler_process import AnswerReader, Helper
from instep.disk.confinement import Launch
from instep.errors import HelperFailed, Malformed
from instep.model.encoding import BrokenEncoding
from instep.model.identity import Rights
from live.strangers import NOBODY, needs_root, shared_python

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.live
PYTHON = str(Path(sys.executable).resolve())
TEXT = b"def f(a=1):\n    return a, 'x', (1, 2.0), b'y'\nclass C:\n    x = 1\n"


@contextmanager
def opened(path: str) -> Iterator[int]:
    """Hold a descriptor of a program."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def start(path: str, rights: Rights | None = None, patience: float = 30.0) -> Helper:
    """Start a helper."""
    with opened(path) as executable:
        return Helper(Launch(executable, -1, (path,), (), rights, patience))


def compile_with(helper: Helper) -> int:
    """Compile something; the number of code objects."""
    return len(read_codes(helper.ask(b"S", TEXT, 0)).module.codes)


@needs_root
def test_helper_is_confined() -> None:
    """It has the target's user and groups, and no rights, files, environment or room beyond."""
    python = shared_python()
    secret, _ = os.pipe()
    os.set_inheritable(secret, True)  # noqa: FBT003 - the name of the argument is its meaning
    helper = start(python, Rights(NOBODY, NOBODY, (12345,)))
    try:
        assert compile_with(helper) == 3
        proc = Path(f"/proc/{helper.pid}")
        status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines())
        assert status["Uid"].split() == status["Gid"].split() == [str(NOBODY)] * 4
        assert status["Groups"].split() == ["12345"]
        assert status["NoNewPrivs"] == "1"
        assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapAmb", "CapInh")} == {0}
        assert (proc / "environ").read_bytes() == b""
        assert (proc / "cwd").readlink() == Path("/")
        assert {int(path.name) for path in (proc / "fd").iterdir()} == {0, 1, 2}
        fields = (proc / "stat").read_text().rpartition(")")[2].split()
        assert (int(fields[3]), int(fields[4])) == (helper.pid, 0)  # a session without a terminal
        limits = (proc / "limits").read_text()
        for name, most in (
            ("address space", 2 << 30),
            ("file size", 0),
            ("core file size", 0),
            ("processes", 0),
            ("open files", 64),
            ("cpu time", 600),
        ):
            found = re.search(rf"Max {name} +(\d+) +(\d+) ", limits)
            assert found, name
            assert int(found[1]) <= int(found[2]) <= most
    finally:
        helper.close()
        os.close(secret)


LOW = """
import os, sys
closed = eval(sys.argv[1])
for number in closed:
    os.close(number)
from instep.disk.confinement import Launch
from instep.disk.compiler_process import Helper
from instep.disk.answers import read_codes
executable = os.open(sys.argv[2], os.O_RDONLY)
root = os.open("/", os.O_RDONLY) if os.geteuid() == 0 else -1
helper = Helper(Launch(executable, root, (sys.argv[2],), (), None, 30.0))
count = len(read_codes(helper.ask(b"S", b"def f(): pass", 0)).module.codes)
opened = sorted(os.listdir(f"/proc/{helper.pid}/fd"))
helper.close()
os._exit(0 if (count, opened) == (2, ["0", "1", "2"]) else 1)
"""


@pytest.mark.parametrize("closed", [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_helper_with_low_descriptors_closed(closed: tuple[int, ...]) -> None:
    """Whatever numbers our descriptors have, the helper gets its own three and no other."""
    command = [sys.executable, "-c", LOW, repr(closed), PYTHON]
    done = subprocess.run(command, check=False, timeout=60)
    assert done.returncode == 0


def test_helper_with_many_descriptors_open() -> None:
    """Numbers that were in use for other things, and those above 1023, make no difference."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(2048, hard), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        helper = start(PYTHON)
        assert compile_with(helper) == 3
        assert {path.name for path in Path(f"/proc/{helper.pid}/fd").iterdir()} == {"0", "1", "2"}
        helper.close()
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_helper_is_reaped() -> None:
    """Closing ends and reaps the helper, also twice, and also if somebody reaped it before."""
    helper = start(PYTHON)
    pid = helper.pid
    helper.close()
    helper.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    helper = start(PYTHON)
    os.kill(helper.pid, 9)
    os.waitpid(helper.pid, 0)
    helper.close()


def test_program_that_is_no_interpreter() -> None:
    """A program that can't be executed, or says something else, fails in words."""
    with pytest.raises(HelperFailed, match="could not be started again: it may not be executed"):
        start("/etc/passwd")
    with pytest.raises(HelperFailed, match="could not be started again: it ended with status"):
        start("/bin/false")


LIARS = {
    "silent": "import time; time.sleep(1000)",
    "not reading": "w(b'instep1\\n'); import time; time.sleep(1000)",
    "endless": "w(b'instep1\\n')\nwhile True: w(b'\\0\\0\\0\\0' + b'\\xff\\xff\\x0f\\0' * 1000)",
    "zeros": "w(b'instep1\\n')\nwhile True: w(bytes(65536))",
    "drop by drop": "w(b'instep1\\n')\nwhile True: w(b'\\1')",
    "huge": "w(b'instep1\\n' + bytes(4) + b'\\1\\0\\0\\0' + bytes(64)); input()",
    "ends": "w(b'instep1\\n')",
    "closes": "w(b'instep1\\n'); import os; os.close(0); os.close(1)",
    "other greeting": "w(b'INSTEP1\\n' * 100)",
}


def ask_thrice(launch: Launch) -> None:
    """Start a helper and give it three large jobs."""
    helper = Helper(launch)
    try:
        for _ in range(3):
            read_codes(helper.ask(b"S", b"x = 1\n" * 100_000, 0))
    finally:
        helper.close()


@pytest.mark.parametrize("liar", LIARS)
def test_lying_helper_fails_in_bounded_time_and_memory(liar: str, tmp_path: Path) -> None:
    """Whatever a helper does, compiling fails in the time it was given, and little is kept."""
    code = f"import os\ndef w(d):\n    while d: d = d[os.write(1, d):]\n{LIARS[liar]}\n"
    script = tmp_path / "liar.py"
    script.write_text(code)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    with opened(PYTHON) as executable:
        launch = Launch(executable, -1, (PYTHON, "-I", str(script)), (), None, 1.5)
        with pytest.raises(HelperFailed):
            ask_thrice(launch)
    assert time.monotonic() - started < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


class NoCache:
    """A cache that holds nothing."""

    def module(self, _key: str) -> None:
        """Nothing."""

    def keep(self, *_: object) -> None:
        """Keep nothing."""


def test_answers_never_belong_to_an_earlier_job() -> None:
    """After a failure the helper is ended; a few failures, and none is started any more."""
    started = []

    class Late:
        def __init__(self) -> None:
            started.append(self)
            self.closed = False

        def ask(self, *_: object) -> AnswerReader:
            raise HelperFailed("late")

        def close(self) -> None:
            self.closed = True

    compiler = Compiler(NoCache(), Late, 0, columns=True)
    for _ in range(10):
        with pytest.raises(HelperFailed, match="late"):
            compiler.source(b"", b"")
    assert (len(started), all(one.closed for one in started)) == (3, True)


def reader(data: bytes) -> AnswerReader:
    """Read an answer from bytes."""
    rest = memoryview(data)

    def take(size: int, _deadline: float) -> bytes:
        nonlocal rest
        if size > len(rest):
            raise HelperFailed("cut off")
        part, rest = rest[:size], rest[size:]
        return bytes(part)

    return AnswerReader(take, 0.0)


@pytest.fixture(scope="module")
def honest() -> dict[bytes, bytes]:
    """Honest answers, as bytes."""
    helper = start(PYTHON)
    found = {}
    for kind in (b"S", b"O"):
        taken = []
        answer = helper.ask(kind, TEXT, 0)
        take = answer._take
        answer._take = lambda size, end, take=take, taken=taken: (
            taken.append(take(size, end)) or (taken[-1])
        )
        read_codes(answer) if kind == b"S" else read_data(answer)
        found[kind] = b"".join(taken)
    helper.close()
    return found


def judge(kind: bytes, data: bytes) -> None:
    """Parse an answer; any failure must be one that callers expect."""
    try:
        if kind == b"S":
            read_codes(reader(data))
        else:
            answer = read_data(reader(data))
            if isinstance(answer, bytes):
                decode_outline(answer)
    except (HelperFailed, Malformed, BrokenEncoding):
        pass


def test_honest_answers_are_read(honest: dict[bytes, bytes]) -> None:
    """The answers that are mutated below are whole to begin with."""
    assert len(read_codes(reader(honest[b"S"])).module.codes) == 3
    outline = read_data(reader(honest[b"O"]))
    assert isinstance(outline, bytes)
    assert [one.qualname for one in decode_outline(outline).definitions] == ["f", "C"]


@given(st.sampled_from([b"S", b"O"]), st.binary(max_size=400), st.sampled_from([b"", bytes(4)]))
def test_random_answers(kind: bytes, data: bytes, start: bytes) -> None:
    """Random bytes are refused or read, and nothing else happens."""
    judge(kind, start + data)


@given(st.data())
def test_mutated_answers(honest: dict[bytes, bytes], data: st.DataObject) -> None:
    """Answers with bytes changed, cut out or put in are refused or read, nothing else happens."""
    kind = data.draw(st.sampled_from([b"S", b"O"]))
    answer = bytearray(honest[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(answer)))
        size = data.draw(st.sampled_from([0, 1, 1, 4]))
        tags = st.sampled_from([*b"NTFEifcsb(<:C-;_ \0\xff"])
        answer[place : place + size] = bytes(data.draw(st.lists(tags, max_size=5)))
    judge(kind, bytes(answer))
