"""Make and drop the functions of real files in seven threads, non-stop, until standard input ends.

Arguments: files whose code comes and goes, after an optional --toggle, which has one more thread
switch line and instruction monitoring on and off.
"""

import importlib.util
import sys
import threading

import _ready

sys.setswitchinterval(1e-5)
THREADS = 7


def make(name, file, source):
    """As an import would, but into a namespace that nobody else holds."""
    if source is None:
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return vars(module)
    namespace = {"__name__": name, "__file__": file}
    exec(compile(source, file, "exec", dont_inherit=True), namespace)
    return namespace


def churn(number, sources, started):
    kept = [None] * 3
    turn = 0
    while True:
        for place, (file, source) in enumerate(sources):
            kept[turn % 3] = make(f"churned_{number}_{place}", file, source)
            turn += 1
            if turn == len(sources):
                started.release()


def toggle():
    monitoring = sys.monitoring
    tool = monitoring.PROFILER_ID
    monitoring.use_tool_id(tool, "toggle")
    for event in (monitoring.events.LINE, monitoring.events.INSTRUCTION):
        monitoring.register_callback(tool, event, lambda *_: None)
    while True:
        monitoring.set_events(tool, monitoring.events.LINE | monitoring.events.INSTRUCTION)
        monitoring.set_events(tool, 0)


def main():
    files = sys.argv[1:]
    if toggled := "--toggle" in files:
        files.remove("--toggle")
    sources = [(file, open(file).read()) for file in files]
    started = threading.Semaphore(0)
    for number in range(THREADS):
        threading.Thread(target=churn, args=(number, sources, started), daemon=True).start()
    for _ in range(THREADS):
        started.acquire()
    if toggled:
        threading.Thread(target=toggle, daemon=True).start()
    _ready.ready()
    sys.stdin.read()


main()
