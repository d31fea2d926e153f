"""Headers and places of bytecode files, and the lines of ``/proc/PID/maps``."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib._bootstrap_external import _code_to_hash_pyc, _code_to_timestamp_pyc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.disk.pyc import PycState, pyc_path, read_header, state_of
from instep.disk.sources import Root, SourceFile
from instep.process.maps import Mapping, heap_mappings, parse_maps

if TYPE_CHECKING:
    from types import CodeType

CODE: CodeType = compile("x = 1", "<test>", "exec")
MAGIC = int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little")
U32 = st.integers(0, 2**32 - 1)


@given(U32, U32)
def test_a_header_says_what_the_import_system_wrote(mtime: int, size: int) -> None:
    """Magic, time and size come back."""
    header = read_header(bytes(_code_to_timestamp_pyc(CODE, mtime, size)))
    assert header is not None
    assert header[:4] == (MAGIC, False, mtime, size)


@pytest.mark.parametrize("checked", [True, False])
def test_a_hashed_file_says_that_it_is(checked: bool) -> None:  # noqa: FBT001 - a test parameter
    """Hash-based files are told from others."""
    header = read_header(bytes(_code_to_hash_pyc(CODE, b"12345678", checked)))
    assert header is not None
    assert header.hashed


@given(st.binary(max_size=40))
def test_no_bytes_mislead_the_reader_of_headers(data: bytes) -> None:
    """Anything is a header or none."""
    header = read_header(data)
    assert header is None or len(data) >= 16


def written(folder: Path) -> SourceFile:
    """A source file of five bytes, read as any other."""
    file = folder / "module.py"
    file.write_text("x = 1")
    found = Root().read(str(file))
    assert isinstance(found, SourceFile)
    return found


@pytest.mark.parametrize(
    ("mtime", "size", "magic", "state"),
    [
        (0, 0, MAGIC, PycState.VALID),
        (1, 0, MAGIC, PycState.OUTDATED),
        (-1, 0, MAGIC, PycState.OUTDATED),
        (0, 1, MAGIC, PycState.OUTDATED),
        (0, 0, MAGIC + 1, PycState.FOREIGN),
    ],
)
def test_a_file_is_valid_for_one_time_and_size(
    tmp_path: Path, mtime: int, size: int, magic: int, state: PycState
) -> None:
    """As the import system decides: by equality, whichever is newer."""
    source = written(tmp_path)
    facts = source.facts
    data = _code_to_timestamp_pyc(CODE, int(facts.st_mtime) + mtime, facts.st_size + size)
    assert state_of(read_header(bytes(data)), magic, source) is state


@pytest.mark.parametrize("level", ["", "1", "2"])
def test_the_place_is_the_import_systems(level: str) -> None:
    """A bytecode file is looked for where this interpreter would."""
    tag = sys.implementation.cache_tag
    assert tag is not None
    expected = importlib.util.cache_from_source("/a.b/c.d.py", optimization=level)
    if sys.pycache_prefix is None:
        assert pyc_path("/a.b/c.d.py", tag, int(level or 0), "") == expected


PATHS = st.from_regex(r"(/[!-~é ]{1,9}){1,3}", fullmatch=True).map(str.rstrip)
ADDRESSES = st.integers(0, 2**47)


@given(
    st.lists(
        st.builds(
            Mapping,
            ADDRESSES,
            ADDRESSES,
            st.sampled_from(["r-xp", "rw-p", "rw-s", "---p"]),
            ADDRESSES,
            st.just("fe:01"),
            st.integers(0, 2**40),
            PATHS,
        )
    )
)
def test_maps_come_back(mappings: list[Mapping]) -> None:
    """Every line of the kernel's form is parsed, with blanks in its path."""
    lines = [
        f"{one.start:x}-{one.end:x} {one.permissions} {one.offset:08x} {one.device} {one.inode}"
        f"                  {one.path}\n"
        for one in mappings
    ]
    assert parse_maps(os.fsencode("".join(lines))) == mappings


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_our_own_maps_are_all_parsed() -> None:
    """No line of a real process is lost, and it has a heap."""
    data = Path("/proc/self/maps").read_bytes()
    mappings = parse_maps(data)
    assert len(mappings) == data.count(b"\n")
    assert heap_mappings(mappings)
