"""Listen on a free port of the loopback, write the port beside this file, and wait."""

import pathlib
import socket
import sys

import _ready

with socket.create_server(("127.0.0.1", 0)) as server:
    port = server.getsockname()[1]
    pathlib.Path(__file__).with_suffix(".port").write_text(str(port))
    _ready.ready()
    sys.stdin.read()
