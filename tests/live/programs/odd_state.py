"""Bring the process into the state that the first argument names, with `shop` loaded and used."""

import os
import sys
import threading
import time

import _ready
import shop

forever = threading.Event()


def sleep():
    _ready.ready()
    time.sleep(3600)


def busy():
    _ready.ready()
    while True:
        shop.work()


def holding():
    import re

    _ready.ready()
    re.match("(a+)+b", "a" * 64)


def threads():
    started = threading.Barrier(9)

    def run():
        shop.work()
        started.wait()
        forever.wait()

    for _ in range(8):
        threading.Thread(target=run, daemon=True).start()
    started.wait()
    wait()


def tracing():
    def trace(frame, event, argument):
        return trace

    sys.settrace(trace)
    shop.work()
    wait()


def profiling():
    sys.setprofile(lambda frame, event, argument: None)
    shop.work()
    wait()


def recursion():
    def down(depth):
        return down(depth - 1) if depth else wait()

    down(900)


def class_body():
    shop.enroll(wait)


def monitoring():
    events = sys.monitoring.events
    every = 0
    for name in dir(events):
        if name.isupper() and name != "NO_EVENTS":
            every |= getattr(events, name)
    # These two are told with others and can't be asked for alone.
    every &= ~(events.C_RETURN | events.C_RAISE)
    sys.monitoring.use_tool_id(3, "test")
    for bit in range(20):
        if every >> bit & 1:
            sys.monitoring.register_callback(3, 1 << bit, lambda *arguments: None)
    try:
        sys.monitoring.set_events(3, every)
    except ValueError:
        # Some events can only be set for one code object.
        local = every & ~getattr(events, "BRANCH", 0)
        sys.monitoring.set_events(3, local)
    shop.work()
    wait()


def subinterpreters():
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    folder = os.path.dirname(os.path.abspath(__file__))
    for _ in range(2):
        number = interpreters.create()
        text = f"import sys; sys.path.insert(0, {folder!r}); import annex; annex.work()"
        assert not interpreters.run_string(number, text)
        kept.append(number)
    wait()


def jit():
    from _opcode import get_executor

    assert sys._jit.is_enabled()
    for _ in range(20_000):
        shop.work()
    codes = [shop.price.__code__, shop.work.__code__, shop.discount.__code__.co_consts[0]]
    found = 0
    for code in codes:
        for offset in range(0, len(getattr(code, "co_code", b"")), 2):
            try:
                found += get_executor(code=code, offset=offset) is not None
            except (ValueError, RuntimeError):
                pass
    assert found
    wait()


def debugger():
    import debugpy

    debugpy.listen(("127.0.0.1", 0), in_process_debug_adapter=True)
    debugpy.trace_this_thread(True)
    shop.work()
    wait()


def server():
    import uvicorn

    class Announcing(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets)
            _ready.ready()

    Announcing(uvicorn.Config("asgi_shop:application", port=0, log_level="warning")).run()


def forks():
    """Fork a child for each line of standard input; `child` holds its pid."""
    _ready.ready()
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            # Ends with the parent, of whose standard input it holds no end.
            os.dup2(read_end, 0)
            os.close(write_end)
            with open("child", "w") as file:
                file.write(str(os.getpid()))
            _ready.ready()
            sys.stdin.read()
            os._exit(0)


def wait():
    _ready.ready()
    sys.stdin.read()


kept = []
read_end, write_end = os.pipe()
shop.work()
globals()[sys.argv[1]]()
