"""Code objects as they are compared."""

from __future__ import annotations

from typing import NamedTuple


class CanonicalCode(NamedTuple):
    """One code object without anything that depends on where it lies.

    ``logic`` and ``layout`` are 16-byte digests (BLAKE2b): of what decides the behaviour, and of
    line and column numbers. Nested code objects are part of both through their own digests.
    ``logic_bytes`` is the encoded form (``instep.model.encoding``), or empty where only the digest
    was kept. ``nested`` are the logic digests of directly nested code, in the order of constants.
    """

    qualname: str
    first_line: int
    logic: bytes
    layout: bytes
    logic_bytes: bytes = b""
    nested: tuple[bytes, ...] = ()
