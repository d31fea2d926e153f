"""How a target tells the test that it has come to the state the test wants to read.

The path of a FIFO is in INSTEP_READY_FIFO. Standard library only, and as little of it as can be:
what this file imports is loaded in every target.
"""

import os


def ready(word="ready"):
    """Write one line to the FIFO of the test, which holds it open."""
    if os.environ.get("INSTEP_ALLOW_READERS"):
        _allow_readers()
    descriptor = os.open(os.environ["INSTEP_READY_FIFO"], os.O_WRONLY)
    try:
        os.write(descriptor, word.encode() + b"\n")
    finally:
        os.close(descriptor)


def _allow_readers():
    # With the Yama security module only ancestors may read a process, unless it says otherwise:
    # prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY).
    import ctypes

    ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)
