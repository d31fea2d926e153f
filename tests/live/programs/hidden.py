"""Loaded, dropped from sys.modules, and its namespace cleared: only objects elsewhere hold it."""

import functools
import types

registry = {}


def take(name):
    return globals().pop(name)


def make_closure():
    bound = 1

    def in_closure():
        return bound + 111

    return in_closure


def partial_of():
    return 111


class Attribute:
    def method(self):
        return 111

    untouched = staticmethod(lambda: 5)


class Getter:
    @property
    def value(self):
        return 111


class Static:
    @staticmethod
    def run():
        return 111


def generate():
    yield 111


@types.coroutine
def pause():
    yield


async def suspended():
    await pause()
    return 111


def wraps(function):
    @functools.wraps(function)
    def inner(*arguments):
        return function(*arguments)

    return inner


@wraps
def decorated():
    return 111


@functools.lru_cache
def cached():
    return 111


def register(function):
    registry[function.__name__] = function


@register
def registered():
    return 111


@register
def registered_too():
    return 7


def on_death(reference):
    return 111


key_of = lambda item: item * 111
