"""Checks that a dict read through the offsets holds what the dict holds, in every layout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from describe.ledger import Ledger
    from describe.memory import OwnMemory

GENERAL, UNICODE, SPLIT = 0, 1, 2


class Instance:
    """Something whose ``__dict__`` shares its keys with its class."""

    def __init__(self) -> None:
        self.alpha = object()
        self.beta = object()
        self.gamma = object()


def check_dicts(memory: OwnMemory, ledger: Ledger) -> None:
    """Check dicts of the three kinds, small and large (the width of an index grows)."""
    instance = Instance()
    big: dict[Any, object] = {f"key {number}": object() for number in range(70_000)}
    mixed: dict[Any, object] = {number: object() for number in range(500)}
    holey: dict[Any, object] = {f"key {number}": object() for number in range(20)}
    del holey["key 3"], holey["key 19"]
    # Instance.__dict__ first, so that the class's keys are not yet known to other dicts.
    samples = ((instance.__dict__, SPLIT), (vars(sys), UNICODE), (big, UNICODE))
    for sample, kind in (*samples, (holey, UNICODE), (mixed, GENERAL), ({}, UNICODE)):
        check_dict(memory, ledger, sample, kind)


def check_dict(memory: OwnMemory, ledger: Ledger, sample: dict[Any, object], kind: int) -> None:
    """Compare the addresses of all keys and values, in order."""
    keys = memory.word(id(sample), "dict.keys")
    ledger.equal("dict.used", memory.word(id(sample), "dict.used"), len(sample))
    found_kind = memory.read(keys + memory.offsets["dictkeys.kind"], 1)[0]
    ledger.equal("dictkeys.kind", found_kind, kind)
    expected = [(id(key), id(value)) for key, value in sample.items()]
    names = "dict.keys dict.values dictvalues.header dictkeys.indices dictkeys.nentries"
    names += " dictkeys.log2_index_bytes"
    ledger.equal(names, entries(memory, id(sample), keys, kind), expected)
    if sample:
        log2_size = memory.read(keys + memory.offsets["dictkeys.log2_size"], 1)[0]
        usable = memory.word(keys, "dictkeys.usable") + memory.word(keys, "dictkeys.nentries")
        # USABLE_FRACTION in Objects/dictobject.c. Keys that instances share stay below it.
        fraction = (2 << log2_size) // 3
        limit = fraction if kind != SPLIT else usable if usable <= fraction else -1
        ledger.equal("dictkeys.usable dictkeys.log2_size", usable, limit)


def entries(memory: OwnMemory, address: int, keys: int, kind: int) -> list[tuple[int, int]]:
    """Return the addresses of key and value of each entry that is in use.

    A general entry is (hash, key, value), a unicode entry (key, value); a split dict takes the
    values from an array of its own (Include/internal/pycore_dict.h).
    """
    log2_bytes = memory.read(keys + memory.offsets["dictkeys.log2_index_bytes"], 1)[0]
    start = keys + memory.offsets["dictkeys.indices"] + (1 << log2_bytes)
    count = memory.word(keys, "dictkeys.nentries")
    width = 3 if kind == GENERAL else 2
    words = memory.words(start, count * width)
    found = [words[at + width - 2] for at in range(0, len(words), width)]
    values = [words[at + width - 1] for at in range(0, len(words), width)]
    if kind == SPLIT:
        array = memory.word(address, "dict.values") + memory.offsets["dictvalues.header"]
        values = memory.words(array, count)
    return [(key, value) for key, value in zip(found, values, strict=True) if key and value]
