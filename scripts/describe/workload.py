"""Python code of many shapes, run often enough for the interpreter to specialise it.

Between them the jobs bring out every specialised opcode of 3.11 - 3.15 (``--verify`` names those
that were not met).
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import base64
import collections
import configparser
import copy
import csv
import dataclasses
import datetime
import difflib
import email.message
import email.parser
import enum
import fractions
import functools
import html.parser
import inspect
import io
import json
import logging
import pickle
import pprint
import queue
import random
import re
import shlex
import statistics
import string
import tempfile
import textwrap
import threading
import tokenize
import traceback
import typing
import unittest.mock
import urllib.parse
import xml.dom.minidom
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

SOURCE = "".join(map(inspect.getsource, (textwrap.dedent, textwrap.indent, difflib.ndiff)))
RECORDS = [{"name": f"n{number}", "size": number, "share": number / 7} for number in range(40)]


def run(rounds: int) -> int:
    """Run everything ``rounds`` times; return how many jobs there were."""
    jobs: list[Callable[[], object]] = [
        *(numbers, texts, containers, objects, generators, calls, exceptions, comparisons),
        *(use_json, use_text_tools, use_source_tools, use_classes, use_files, use_mail),
        *(use_async, use_threads, use_numbers),
    ]
    for _ in range(rounds):
        for job in jobs:
            job()
    return len(jobs)


def numbers() -> object:
    """Arithmetic on int, float and both."""
    whole, real, bits = 1, 1.5, 0
    for number in range(30):
        whole = whole + number - 2 * number + whole // 3
        real = real * 1.01 + 2.0 - real / 3.0 + number
        bits ^= number << 2 & 0xFF | 1
    return whole, real, bits


def texts() -> object:
    """Concatenation, indexing, slicing and formatting of strings."""
    text, word, wide = "", "abcdefgh" * 4, "жж\u4e00é"
    for number in range(30):
        text = text + "x"
        text += word[number]
        word = word[1:] + word[0]
        wide = wide[number % 4] + wide[:3]
        text = f"{text[-5:]}{number:>3}"
    return text, "%s-%d" % (word, 3), word.upper(), str(5), wide


def containers() -> object:
    """Subscripts, unpacking, loops and tests of membership."""
    items, table = list(range(20)), {"a": 1, "b": 2}
    pair, kept = (1, 2), {1, 2, 3}
    total, matrix = 0, [[0] * 3 for _ in range(3)]
    for index in range(20):
        first, second = pair
        one, two, three = (index, first, second)
        four, five, *rest = items
        items[index] = items[index] + table["a"] + pair[0]
        table["b"] = index
        matrix[index % 3][1] += one + two + three + four + five + len(rest)
        total += (index in kept) + ("a" in table) + len(items) + isinstance(index, int)
        total += len(items[2:5]) + len([*items, *pair]) + len({**table}) + table.get("c", 0)
    for key, value in table.items():
        total += len(key) + value
    for thing in (1, 2, 3):
        total += thing
    return total, tuple(items), type(items), [str(item) for item in items]


class Base:
    """Attributes on the class, methods, a property."""

    shared = 3

    def __init__(self, start: int) -> None:
        self.start, self.other = start, None

    @property
    def doubled(self) -> int:
        """Return twice the start."""
        return self.start * 2

    def method(self, by: int = 1) -> int:
        """Add."""
        self.start += by
        return self.start


class Slotted(Base):
    """Slots, ``super()``, ``__getitem__``, ``__getattr__``."""

    __slots__ = ("place",)

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.place = start

    def method(self, by: int = 1) -> int:
        """Add below."""
        return super().method(by) + super().shared + self.place

    def __getitem__(self, index: int) -> int:
        return index + self.place

    def __getattr__(self, name: str) -> int:
        return len(name)


class Guarded:
    """``__getattribute__`` in Python."""

    def __getattribute__(self, name: str) -> int:
        return len(name)


class Loose:
    """Attributes in a dict that outgrew its shared keys."""


def objects() -> object:
    """Attributes, methods, ``super()``, overloaded subscripts, truth."""
    base, slotted, loose, guarded = Base(1), Slotted(2), Loose(), Guarded()
    for number in range(40):
        setattr(loose, f"field{number}", number)
    total = 0
    for number in range(20):
        loose.field3 = number
        total += base.method() + slotted.method(2) + slotted[number] + slotted.missing
        total += base.doubled + Base.shared + loose.field3 + slotted.place
        slotted.place = number
        total += guarded.anything
        base.other = None if base.other else base
        total += 1 if base else 0
        total += 1 if loose else 0
        made = Base(number)
        total += made.start + (1 if made.other else 2) + (1 if not number else 0)
        total += (1 if "" else 0) + (1 if [number] else 0) + len(string.digits)
    return total


def count_to(limit: int) -> Generator[int, None, None]:
    """Yield numbers."""
    yield from range(limit)


def chain(limit: int) -> Generator[int, int, None]:
    """Yield from a generator."""
    yield from count_to(limit)


def generators() -> object:
    """For loops over generators, comprehensions, ``yield from``."""
    total = 0
    for number in count_to(20):
        total += number
    for number in chain(20):
        total += number
    return total, sum(number for number in chain(10)), {number: 1 for number in count_to(9)}


def many(one: int, two: int = 2, *rest: int, three: int = 3, **others: int) -> int:
    """Take arguments of each kind."""
    return one + two + three + len(rest) + len(others)


def few(one: int, two: int = 2) -> int:
    """Take one or two."""
    return one + two


def calls() -> object:
    """Calls of each kind."""
    total, items, text = 0, list[int](), "a b c"
    base, given = Base(1), {"three": 5, "four": 6}
    bound: Callable[..., int] = base.method
    pieces: tuple[int, ...] = (1, 2, 3)
    for number in range(20):
        total += few(number) + few(number, 1) + many(1, 2, 3, three=4) + many(*pieces, **given)
        total += bound() + bound(2) + base.method(by=1) + few(*pieces[:2]) + many(one=1)
        items.append(number)
        total += len(text.split()) + text.find("b") + text.count("a") + ord("a") + len(str(number))
        total += max(number, 3) + int("3") + len(sorted(items, reverse=True)) + len(text.encode())
        total += (
            len(tuple(items)) + len(dict(a=1)) + divmod(number, 3)[0] + functools.reduce(few, items)
        )
        items.sort(key=lambda item: -item)
        total += len(text.replace("a", "b", 1)) + len(text.strip()) + hash(text) % 2
    return total


def exceptions() -> object:
    """Raise, catch, finish."""
    total = 0
    for number in range(20):
        try:
            if number % 2:
                raise KeyError(number)
            with io.StringIO() as stream:
                stream.write("x")
        except (KeyError, ValueError) as error:
            total += len(error.args)
        finally:
            total += 1
    return total


def comparisons() -> object:
    """Compare int, float and str, and jump."""
    total = 0
    for number in range(30):
        total += (number < 5) + (number > 2.5) + (str(number) == "7") + (number is None)
        total += (float(number) <= 2.0) + (number != 3) + (1 < number < 9)
        while total % 5:
            total += 1
            if total is not None and total > 10**9:
                break
    return total


def use_json() -> object:
    """JSON, pickle, copies."""
    text = json.dumps(RECORDS, indent=1)
    decoder = json.JSONDecoder()
    pure = pickle._dumps(RECORDS)
    return decoder.decode(text), pickle.loads(pure), copy.deepcopy(RECORDS[:5])


def use_text_tools() -> object:
    """Tools for text."""
    words = textwrap.wrap(SOURCE[:800], 40)
    template = string.Template("$a and $b").substitute(a=1, b=2)
    url = urllib.parse.urlsplit("scheme://name:8/path?a=b&c=d#e")
    query = urllib.parse.parse_qs(url.query), urllib.parse.quote("a b/c")
    difference = list(difflib.unified_diff(words[:8], words[4:12], lineterm=""))
    stream = io.StringIO()
    csv.writer(stream).writerows([[1, "a,b"], [2, "c"]])
    pattern = re.compile(r"(?P<name>\w+)\s*=\s*(\d+)|x{%d}" % random.randrange(2, 60))
    found = pattern.findall("a = 1, b=2"), shlex.split("a 'b c' d"), pprint.pformat(RECORDS[:3])
    return template, query, difference, stream.getvalue(), found, use_markup()


def use_markup() -> object:
    """Build and read XML and HTML."""
    document = xml.dom.minidom.parseString("<a><b c='d'>e</b></a>")
    parser = html.parser.HTMLParser()
    parser.feed("<p class=x>text &amp; more</p>")
    return document.toprettyxml(), base64.b32encode(b"some bytes")


def use_source_tools() -> object:
    """Tools for source code."""
    tree = ast.parse(SOURCE)
    names = sum(isinstance(node, ast.Name) for node in ast.walk(tree))
    tokens = sum(1 for _ in tokenize.generate_tokens(io.StringIO(SOURCE[:600]).readline))
    text = ast.unparse(tree.body[-1])
    return names, tokens, text, inspect.signature(many), inspect.cleandoc("  a\n   b")


class Colour(enum.Flag):
    """A flag."""

    RED = enum.auto()
    BLUE = enum.auto()


def use_classes() -> object:
    """Data classes, enumerations, named tuples, mocks, type hints."""
    made = dataclasses.make_dataclass("Point", [("x", int), ("y", int, 3)], frozen=True)
    point: Any = made(1)
    named = collections.namedtuple("named", "a b")(1, 2)
    mock = unittest.mock.Mock(spec=Base)
    mock.method(1)
    counts = collections.Counter("abracadabra").most_common(2)
    hints = typing.get_type_hints(few), typing.Optional[typing.Union[int, str]]
    return (
        dataclasses.replace(point, y=4),
        named._replace(a=3),
        Colour.RED | Colour.BLUE,
        hints,
        counts,
    )


def use_files() -> object:
    """Paths, archives, configuration, logging, command lines."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.zip")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("b.txt", "text")
        size = path.stat().st_size
    config = configparser.ConfigParser()
    config.read_string("[a]\nb = c\nd = %(b)s\n")
    parser = argparse.ArgumentParser(prog="p")
    parser.add_argument("--flag", type=int, default=1, help="a flag")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    record = logging.LogRecord("n", logging.INFO, "f", 1, "m %s", ("a",), None)
    handler.emit(record)
    return size, config["a"]["d"], parser.parse_args(["--flag", "3"]), parser.format_help()


def use_mail() -> object:
    """Messages, dates, tracebacks."""
    message = email.message.EmailMessage()
    message["Subject"], message["To"] = "a subject", "A <a@b>"
    message.set_content("body")
    parsed = email.parser.Parser().parsestr(message.as_string())
    day = datetime.datetime(2020, 1, 2, 3) + datetime.timedelta(hours=5)
    return parsed["to"], day.isoformat(), traceback.format_stack(limit=3)


async def ticks(limit: int) -> AsyncGenerator[int, None]:
    """Yield, and give way."""
    for number in range(limit):
        await asyncio.sleep(0)
        yield number


async def gathered() -> int:
    """Await several things."""
    total = 0
    async for number in ticks(5):
        total += number
    async with asyncio.Lock():
        total += sum(await asyncio.gather(*(plain_number(number) for number in range(5))))
    return total + sum([number async for number in ticks(3)])


async def plain_number(number: int) -> int:
    """Give way, return."""
    await asyncio.sleep(0)
    return number


def use_async() -> object:
    """A short event loop."""
    return asyncio.run(gathered())


def use_threads() -> object:
    """Threads and queues."""
    line: queue.Queue[int] = queue.Queue()
    thread = threading.Thread(target=line.put, args=(1,))
    thread.start()
    thread.join()
    return line.get()


def use_numbers() -> object:
    """Fractions, statistics, chance."""
    total = sum((fractions.Fraction(1, number) for number in range(1, 9)), fractions.Fraction())
    values = [random.gauss(0, 1) for _ in range(8)]
    return total, statistics.stdev(values), statistics.median(values), random.sample(values, 3)
