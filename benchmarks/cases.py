"""What is measured: each case yields its rows as soon as it has them."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import cycle, islice
from typing import TYPE_CHECKING

from command import CommandFailedError, answer, measure
from row import Limit, Missing, Peer, RatioLimit, Row, Unit
from target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command import Measurement
    from setting import Setting

SHORT = Limit(0.060)
WHOLE_HEAP = RatioLimit(3)
EVERYTHING = Limit(1.5)
MANY = Limit(1.5)
PEAK = Limit(120e6)
LISTED_PROCESSES = 50


def start(setting: Setting) -> Iterator[Row]:
    """The start alone, against that of the interpreter."""
    instep, python = measure([setting.instep("--help"), setting.python("-c", "0")], setting.runs)
    peer = Peer("python -c 0", python.seconds)
    yield Row("instep --help", instep.seconds, Unit.SECONDS, peer, SHORT)


def small(setting: Setting) -> Iterator[Row]:
    """A small program: most of the time goes into starting."""
    with Target(setting.interpreter, setting.program("small.py"), "--twin") as target:
        facts = target.facts()
        pid, twin = str(facts.pid), str(facts.twin)
        _prove_own_code(setting, pid)
        check, floor = measure([setting.instep("check", pid), setting.floor(twin)], setting.runs)
        title = f"check, small ({facts.functions:,} functions)"
        copy = Peer("start and copy", floor.seconds)
        yield Row(title, check.seconds, Unit.SECONDS, copy, SHORT)
        yield _peak(title, check)


def big(setting: Setting) -> Iterator[Row | Missing]:
    """A big service: most of the time goes into its heap, or into its code."""
    if setting.interpreter.packages is None:
        yield Missing("check, big", "no libraries; run `make interpreters`")
        return
    with Target(setting.interpreter, setting.program("big.py"), "--twin") as target:
        facts = target.facts()
        pid, twin = str(facts.pid), str(facts.twin)
        title = f"check, big ({facts.functions:,} functions, {facts.modules:,} modules)"
        yield from _big_own(setting, title, pid, twin)
        yield from _big_all(setting, pid, twin)
        yield from _big_cold(setting, pid)


def _big_own(setting: Setting, title: str, pid: str, twin: str) -> Iterator[Row]:
    _prove_own_code(setting, pid)
    copied = {
        "all": int(answer(setting.floor(twin))),
        "resident": int(answer(setting.floor("--resident", pid))),
    }
    check, whole, least = measure(
        [
            setting.instep("check", pid),
            setting.floor(twin),
            setting.floor("--resident", pid),
        ],
        setting.runs,
    )
    copy = Peer(f"start and copy {copied['all'] / 1e6:,.0f} MB", whole.seconds)
    least_copy = Peer(f"the same, resident {copied['resident'] / 1e6:,.0f} MB", least.seconds)
    yield Row(title, check.seconds, Unit.SECONDS, copy, WHOLE_HEAP)
    yield Row("… against the least floor", check.seconds, Unit.SECONDS, least_copy)
    yield _peak("check, big", check)


def _big_all(setting: Setting, pid: str, twin: str) -> Iterator[Row]:
    counts = setting.counts("check", "--all-code", pid)
    check, whole = measure(
        [setting.instep("check", "--all-code", pid), setting.floor(twin)], setting.runs
    )
    title = f"check --all-code, big ({counts.functions:,} judged, {counts.verdict})"
    yield Row(title, check.seconds, Unit.SECONDS, Peer("start and copy", whole.seconds), EVERYTHING)
    yield _peak("check --all-code, big", check)


def _big_cold(setting: Setting, pid: str) -> Iterator[Row]:
    own, everything = measure(
        [
            setting.instep("check", pid, cold=True),
            setting.instep("check", "--all-code", pid, cold=True),
        ],
        setting.cold_runs,
    )
    yield Row("check, big, empty cache", own.seconds, Unit.SECONDS)
    yield Row("check --all-code, big, empty cache", everything.seconds, Unit.SECONDS)
    yield _peak("check --all-code, big, empty cache", everything)


def many(setting: Setting) -> Iterator[Row]:
    """The list of all processes, with fifty of all interpreters among them."""
    with ExitStack() as stack:
        started = [
            stack.enter_context(Target(interpreter, setting.program("sleeper.py")))
            for interpreter in islice(cycle(setting.all_interpreters), LISTED_PROCESSES)
        ]
        pids = [str(target.facts().pid) for target in started]
        counts = setting.counts("ps")
        if counts.processes < LISTED_PROCESSES:
            raise CommandFailedError(f"instep ps listed {counts.processes} processes only")
        listing, floor = measure(
            [setting.instep("ps"), setting.floor("--resident", *pids)], setting.runs
        )
        versions = len(set(setting.all_interpreters))
        title = f"ps, {counts.processes} listed, {LISTED_PROCESSES} ours, {versions} Pythons"
        copy = Peer(f"start and copy {LISTED_PROCESSES}", floor.seconds)
        yield Row(title, listing.seconds, Unit.SECONDS, copy, MANY)
        yield _peak("ps", listing)


def _prove_own_code(setting: Setting, pid: str) -> None:
    """A check that finds nothing, or something else than fresh, takes another time."""
    counts = setting.counts("check", pid)
    if counts.verdict != "fresh" or not counts.functions:
        raise CommandFailedError(f"{counts.functions} functions are {counts.verdict}")


def _peak(title: str, measurement: Measurement) -> Row:
    return Row(f"{title}, peak memory", measurement.peak_bytes, Unit.BYTES, None, PEAK)
