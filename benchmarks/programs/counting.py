"""Work without pause, and count it in a file that is mapped, until standard input ends."""

import json
import mmap
import sys
import threading
from pathlib import Path


def work(number: int) -> object:
    """Do something that takes some microseconds."""
    return json.loads(json.dumps({"number": number, "text": "a" * 20, "list": [1, 2.5, None]}))


def count(counter: mmap.mmap) -> None:
    """Work, and count."""
    number = 0
    while True:
        work(number)
        number += 1
        counter[:8] = number.to_bytes(8, "little")


with Path(sys.argv[1]).open("r+b") as file:
    shared = mmap.mmap(file.fileno(), 8)
threading.Thread(target=count, args=(shared,), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
