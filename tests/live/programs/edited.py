"""Import `editable`, use it, say so, and wait for the end of standard input."""

import sys

import _ready
import editable

child = editable.Child()
child.value = child.method() + child.speak() + child.removed()
assert editable.decorated(1) == 2
_ready.ready()
sys.stdin.read()
