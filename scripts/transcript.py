"""Run what README.md and docs/tutorial.md show, and write what came out into them.

    python scripts/transcript.py          # say which transcripts differ from what comes out now
    python scripts/transcript.py --write  # put what comes out now into the files

A transcript is a block of text after a line `<!-- transcript: NAME -->`. The folder of the example
and the path of the interpreter are made neutral; pids, times and versions are those of the run, and
`masked` takes them out for a comparison (tests/live/test_transcripts.py).
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[1]
FILES = ("README.md", "docs/tutorial.md")
BLOCK = re.compile(r"(?<=<!-- transcript: )([a-z-]+)( -->\n```text\n)(.*?)(?=```\n)", re.DOTALL)
SHOWN_FOLDER, SHOWN_PORT = "/tmp/shop", 8000  # noqa: S108 - shown, not used
WAIT_SECONDS = 20.0
# What was written just before a start can't be told from what was written after it.
OLD_SECONDS = 0.05
MASKS = (
    (r"\bpid \d+", "pid PID"),
    (r"\b(kill|check|thread) \d+", r"\1 PID"),
    (r"\b\d\d:\d\d:\d\d\b(?=[,;\n])", "TIME"),
    (r"\b(started|edited) TIME", r"\1 TIME"),
    (r"(?m)^ +\d+\.\d\d s", "SECONDS"),
    (r"\b\d+ functions", "N functions"),
    (r"\bin \d+\.\d\d seconds", "in SECONDS"),
    (r"\bCPython \d+\.\d+\.\w+", "CPython VERSION"),
    (r"\bcpython-\d+", "cpython-VERSION"),
    (r"/instep-demo-\w+", "/instep-demo-NAME"),
)
PRICES = """\
TAX = 20


def total(net):
    return net + net * TAX / 100
"""
SERVER = """\
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import prices


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{prices.total(9.99)}\\n".encode())


HTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
"""
ROUNDED = ("net + net * TAX / 100", 'f"{net + net * TAX / 100:.2f}"')
NEW_TAX = ("TAX = 20", "TAX = 19.6")


def masked(text: str) -> str:
    """Text without what differs from run to run and from interpreter to interpreter."""
    for pattern, instead in MASKS:
        text = re.sub(pattern, instead, text)
    return text


def shown(files: tuple[str, ...] = FILES) -> dict[str, str]:
    """The transcripts as the files show them, by name."""
    texts = [(CHECKOUT / file).read_text() for file in files]
    return {found[1]: found[3] for text in texts for found in BLOCK.finditer(text)}


def produced() -> dict[str, str]:
    """The transcripts as they come out now, by name."""
    with TemporaryDirectory(prefix="instep-") as name:
        folder = Path(name).resolve()
        # A short name for the interpreter: long command lines are cut.
        _python(folder).symlink_to(Path(sys.executable).resolve())
        transcripts = {"demo": _run(folder, folder, "demo")} | _tutorial(folder)
    return {name: _neutral(text, folder) for name, text in transcripts.items()}


def _tutorial(folder: Path) -> dict[str, str]:
    shop = folder / "shop"
    shop.mkdir()
    prices = shop / "prices.py"
    prices.write_text(PRICES)
    (shop / "server.py").write_text(SERVER)
    port = _free_port()
    transcripts = {}
    with _server(folder, port):
        transcripts["fresh"] = _checked(folder, port)
        prices.write_text(prices.read_text().replace(*ROUNDED))
        transcripts["stale"] = _checked(folder, port)
    with _server(folder, port):
        transcripts["restarted"] = _checked(folder, port)
        prices.write_text(prices.read_text().replace(*NEW_TAX))
        transcripts["constant"] = _checked(folder, port)
    return {
        name: text.replace(f":{port}", f":{SHOWN_PORT}").replace(f" {port}", f" {SHOWN_PORT}")
        for name, text in transcripts.items()
    }


@contextmanager
def _server(folder: Path, port: int) -> Iterator[None]:
    time.sleep(OLD_SECONDS)
    process = subprocess.Popen(
        [_python(folder), "server.py", str(port)],
        cwd=folder / "shop",
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield
    finally:
        process.terminate()
        process.wait(WAIT_SECONDS)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _free_port() -> int:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _checked(folder: Path, port: int) -> str:
    return f"$ instep check :{port}\n" + _run(folder, folder / "shop", "check", f":{port}")


def _run(folder: Path, directory: Path, *arguments: str) -> str:
    result = subprocess.run(
        [_python(folder), "-m", "instep", *arguments],
        cwd=directory,
        env=_environment(folder) | {"PYTHONPATH": str(CHECKOUT / "src")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.stderr:
        raise SystemExit(result.stderr)
    return result.stdout


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": str(folder), "LC_ALL": "C.UTF-8"}


def _python(folder: Path) -> Path:
    return folder / "python3"


def _neutral(text: str, folder: Path) -> str:
    text = text.replace(str(folder / "shop"), SHOWN_FOLDER)
    return text.replace(str(_python(folder)), "python3")


def main() -> int:
    """Compare, or write; 1 if a comparison fails."""
    now, before = produced(), shown()
    if sys.argv[1:] == ["--write"]:
        for file in FILES:
            path = CHECKOUT / file
            path.write_text(
                BLOCK.sub(lambda found: found[1] + found[2] + now[found[1]], path.read_text())
            )
        return 0
    different = [name for name in now if masked(now[name]) != masked(before.get(name, ""))]
    for name in different:
        print(f"transcript {name} is not what comes out now:\n{now[name]}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
