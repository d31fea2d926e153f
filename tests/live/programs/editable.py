"""What the tests of edits change: one thing of each kind."""

import sys

LIMIT = 10
NAMES = ["ada", "grace"]


def twice(function):
    def inner(*arguments):
        return 2 * function(*arguments)

    return inner


def thrice(function):
    def inner(*arguments):
        return 3 * function(*arguments)

    return inner


@twice
def decorated(amount):
    return amount


def defaulted(amount=5, *, unit="m"):
    return amount, unit


def annotated(amount: int) -> int:
    """Say something."""
    return amount


class Base:
    def speak(self):
        return "base"


class Other:
    def speak(self):
        return "other"


class Child(Base):
    colour = "red"
    sizes = {"small": 1}

    def method(self):
        return self.colour

    def removed(self):
        return "still here"

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, new):
        self._value = new


if sys.platform == "linux":

    def system():
        return "linux"

else:

    def system():
        return "windows"


def outer():
    def nested():
        return "inside"

    return nested


kept = outer()
shout = lambda text: text.upper()
squares = [number**2 for number in range(3)]


def comprehending():
    return [number + 1 for number in range(3)]


def waits():
    return {name: len(name) for name in NAMES}


def last():
    return LIMIT


def calls(kind, first, second):
    return kind(first, second=second)


registry = []


@registry.append
def _(first, second):
    return (first, second)


@registry.append
def _(first, second):
    return [first, second]
