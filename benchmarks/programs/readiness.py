"""Say that a target is ready, then wait for the end of standard input."""

import gc
import os
import sys


def live_functions() -> int:
    """The number of Python functions of this process."""
    function = type(live_functions)
    return sum(type(each) is function for each in gc.get_objects())


def wait_as_target() -> None:
    """Print the pids of this process and of its twin, and how much it holds; then rest.

    The twin is a fork that does nothing: it has the same memory, and the floor reads the twin so
    that it leaves no zero pages in the process that is checked. 0 where none was asked for.
    """
    _allow_readers()
    functions, modules = live_functions(), len(sys.modules)
    twin = os.fork() if "--twin" in sys.argv else 0
    if twin == 0 and "--twin" in sys.argv:
        os.read(0, 1)
        os._exit(0)
    os.write(1, f"ready {os.getpid()} {twin} {functions} {modules}\n".encode())
    os.read(0, 1)
    if twin:
        os.waitpid(twin, 0)


def _allow_readers() -> None:
    # With the Yama security module only ancestors may read a process, unless it says otherwise:
    # prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY).
    try:
        descriptor = os.open("/proc/sys/kernel/yama/ptrace_scope", os.O_RDONLY)
    except OSError:
        return
    restricted = os.read(descriptor, 1) == b"1"
    os.close(descriptor)
    if restricted:
        import ctypes

        ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)
