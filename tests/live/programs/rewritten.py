"""A module of tests, whose assertions pytest rewrites on import."""

import sys

import _ready
import shop


def test_waits():
    assert shop.work() > 0
    _ready.ready()
    sys.stdin.read()
