"""Offsets from the headers of a CPython version, by compiling ``offsetof()`` with gcc."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from describe.fields import Version, debug_expressions, offset_expressions

# gh-127953 put a size byte in front of the line data of sys.monitoring. 3.14 always had it; 3.13
# took it in a patch release ("What's New in Python 3.13.3 final", GH-129127), so the layout of that
# minor version hangs on the patch level; 3.12 never took it (GH-132268 was closed).
LINES_CHANGED_IN_PATCH: dict[Version, int] = {(3, 13): 3}
LINES_FORMAT_PAIRS = 0
LINES_FORMAT_SIZED = 1

INCLUDES = """
#include <stddef.h>
#include <stdio.h>
#include <Python.h>
#define NEED_OPCODE_TABLES      /* 3.11, 3.12 */
#define NEED_OPCODE_METADATA    /* 3.13 and later */
#include <opcode.h>
#include "internal/pycore_interp.h"
#include "internal/pycore_runtime.h"
#include "internal/pycore_frame.h"
#include "internal/pycore_dict.h"
#include "internal/pycore_moduleobject.h"
#if PY_VERSION_HEX >= 0x030C0000
#include "internal/pycore_descrobject.h"
#endif
#if PY_VERSION_HEX >= 0x030D0000
#include "internal/pycore_optimizer.h"
#include "internal/pycore_opcode_metadata.h"
#else
#include "internal/pycore_opcode.h"
#endif
#if PY_VERSION_HEX >= 0x030E0000
#include "internal/pycore_debug_offsets.h"
#include "internal/pycore_genobject.h"
#include "internal/pycore_instruments.h"
#include "internal/pycore_interpframe.h"
#endif
#define FRAME struct _PyInterpreterFrame
"""


class HeaderFacts(NamedTuple):
    """What the headers of one exact version say."""

    release: str
    offsets: dict[str, int]
    debug_offsets: dict[str, int]
    deopt: bytes
    caches: bytes


def read_headers(include: Path, version: Version) -> HeaderFacts:
    """Compile and run the C program against ``include`` (the folder that holds ``Python.h``)."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "offsets.c"), Path(folder, "offsets")
        source.write_text(c_source(version), encoding="ascii")
        subprocess.run(compile_command(include, source, program), check=True)
        told = json.loads(subprocess.run([program], check=True, capture_output=True).stdout)
    offsets = told["offsets"] | line_format(include, version, told["release"])
    return HeaderFacts(
        release=told["release"],
        offsets=offsets,
        debug_offsets=told["debug_offsets"],
        deopt=bytes(told["deopt"]),
        caches=bytes(told["caches"]),
    )


def compile_command(include: Path, source: Path, program: Path) -> list[str]:
    """Return gcc's command line.

    The folder above ``include`` comes last (``-idirafter``): Debian's ``pyconfig.h`` is found from
    there, and the host's own C headers must still win over the ones beside it.
    """
    folders = [f"-I{include}", f"-I{include / 'internal'}", f"-I{include / 'internal/mimalloc'}"]
    # -fno-...: the headers' inline functions refer to CPython's symbols, which are not linked.
    unused = ["-O1", "-ffunction-sections", "-Wl,--gc-sections", "-w"]
    after = ["-idirafter", str(include.parent)]
    command = ["gcc", "-std=gnu11", "-DPy_BUILD_CORE", *unused, *folders, *after]
    return [*command, str(source), "-o", str(program)]


def c_source(version: Version) -> str:
    """Return a C program that prints every expression as JSON."""
    body = [
        INCLUDES,
        "static void put(const char *name, long value, const char *end)",
        '{ printf("\\"%s\\": %ld%s", name, value, end); }',
        "static void row(const unsigned char *table)",
        '{ for (int i = 0; i < 256; i++) printf("%s%d", i ? ", " : "[", table[i]); printf("]"); }',
        "int main(void) {",
        'printf("{\\"release\\": \\"%s\\", \\"offsets\\": {", PY_VERSION);',
        *put_lines(offset_expressions(version)),
        'printf("}, \\"debug_offsets\\": {");',
        *put_lines(debug_expressions(version)),
        'printf("}, \\"deopt\\": "); row(_PyOpcode_Deopt);',
        'printf(", \\"caches\\": "); row(_PyOpcode_Caches);',
        'printf("}\\n"); return 0; }',
    ]
    return "\n".join(body) + "\n"


def put_lines(expressions: dict[str, str]) -> list[str]:
    """Return one C statement per expression; all but the last end with a comma."""
    last = len(expressions) - 1
    return [
        f'put("{name}", {expression}, "{", " if number < last else ""}");'
        for number, (name, expression) in enumerate(expressions.items())
    ]


def line_format(include: Path, version: Version, release: str) -> dict[str, int]:
    """Return the layout of ``_PyCoMonitoringData.lines`` as of the minor version's .0 release.

    Checked against these very headers, so that a wrong patch level above cannot go unnoticed.
    """
    if version < (3, 12):
        return {}
    places = (include / "cpython/code.h", include / "internal/pycore_instruments.h")
    text = "".join(path.read_text(encoding="utf-8") for path in places if path.exists())
    seen = LINES_FORMAT_SIZED if "uint8_t bytes_per_entry;" in text else LINES_FORMAT_PAIRS
    changed = LINES_CHANGED_IN_PATCH.get(version)
    first = LINES_FORMAT_SIZED if version >= (3, 14) else LINES_FORMAT_PAIRS
    patch = int(re.findall(r"\d+", release)[2])
    expected = LINES_FORMAT_SIZED if changed is not None and patch >= changed else first
    if seen != expected:
        raise ValueError(f"{release}: line data has format {seen}, not {expected}")
    found = {"lines.format": first}
    return found if changed is None else {**found, "lines.changed_in_patch": changed}
