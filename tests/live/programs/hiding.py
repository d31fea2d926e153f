"""Functions that no module holds under their own name."""

import functools
import gc
import sys
import weakref

import _ready
import hidden


def keep():
    kept = {
        "closure": hidden.make_closure(),
        "partial": functools.partial(hidden.take("partial_of")),
        "method": hidden.take("Attribute")(),
        "property": hidden.take("Getter")(),
        "generator": hidden.take("generate")(),
        "wrapped": hidden.take("decorated"),
        "registry": hidden.registry,
        "cached": hidden.take("cached"),
        "static": hidden.take("Static").run,
        "coroutine": hidden.take("suspended")(),
        "lambdas": [hidden.take("key_of")],
    }
    kept["callback"] = weakref.ref(kept["method"], hidden.take("on_death"))
    next(kept["generator"])
    kept["coroutine"].send(None)
    return kept


everything = keep()
gc.freeze()
hidden.__dict__.clear()
del sys.modules["hidden"], hidden
gc.collect()
_ready.ready()
sys.stdin.read()
