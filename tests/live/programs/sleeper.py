"""Import the modules that are named as arguments, say so, and wait for the end of standard input."""

import importlib
import sys

import _ready

for name in sys.argv[1:]:
    importlib.import_module(name)
_ready.ready()
sys.stdin.read()
