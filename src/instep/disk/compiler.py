"""Sources to code objects, by the target's exact build, each content once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from instep.disk.answers import Compiled, decode_outline, read_codes, read_data
from instep.disk.pyc import HEADER_SIZE
from instep.errors import HelperFailed, NotCompiled
from instep.model.compiled import CompiledModule, Outline, SyntaxProblem
from instep.model.digests import blake2b

if TYPE_CHECKING:
    from collections.abc import Callable

    from instep.disk.cache import CodeCache
    from instep.disk.compiler_process import AnswerReader, Helper

SOURCE, PYC, FROZEN, UNMARSHALLED, OUTLINE, ROOT = b"S", b"P", b"F", b"D", b"O", b"R"

MAXIMUM_FAILURES = 3
Answer = TypeVar("Answer")


class Compiler:
    """Compiles for one build, optimisation level and kind of line table.

    ``start`` starts the helper; it is called when the cache doesn't hold what is asked for, and
    again if the helper failed at a source. All methods raise ``HelperFailed`` if the build can't be
    run.
    """

    def __init__(
        self, cache: CodeCache, start: Callable[[], Helper], level: int, *, columns: bool
    ) -> None:
        self._cache = cache
        self._start = start
        self._level = level
        self._columns = columns
        self._helper: Helper | None = None
        self._failures = 0
        self._failure = ""

    def close(self) -> None:
        """End the helper, if one was started."""
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    def source(self, data: bytes, digest: bytes) -> CompiledModule:
        """What a source compiles to."""
        return self._module(SOURCE, data, digest)

    def pyc(self, data: bytes) -> CompiledModule:
        """What a bytecode file holds (``data`` with its header)."""
        return self._module(PYC, data[HEADER_SIZE:], _digest(data))

    def pyc_logic(self, data: bytes) -> bytes:
        """The digest of the logic of all that a bytecode file holds; empty if it is broken."""
        key = self._key(ROOT, _digest(data))
        kept = self._cache.outline(key)
        if kept is None:
            answer = self._asked(read_data, ROOT, data[HEADER_SIZE:])
            kept = b"" if isinstance(answer, SyntaxProblem) else answer
            self._cache.keep_outline(key, kept)
        return kept

    def frozen(self, name: str, *, unmarshalled: bool = False) -> CompiledModule:
        """A module that is frozen into the interpreter.

        CPython 3.12 has it twice: deep-frozen for the main interpreter, and marshalled for others.
        """
        data = name.encode("utf-8", "surrogatepass")
        kind = UNMARSHALLED if unmarshalled else FROZEN
        return self._module(kind, data, _digest(data))

    def logic(self, kind: bytes, data: bytes, digest: bytes) -> tuple[bytes, ...]:
        """The encoded logic of all code objects, for a comparison in detail."""
        key = self._key(kind, digest)
        kept = self._cache.logic(key)
        if kept is None:
            kept = self._compile(kind, data, key).logic
        return kept

    def outline(self, data: bytes, digest: bytes) -> Outline | SyntaxProblem:
        """What a source states, for comparison with live values."""
        key = self._key(OUTLINE, digest)
        kept = self._cache.outline(key)
        if kept is None:
            answer = self._asked(read_data, OUTLINE, data)
            if isinstance(answer, SyntaxProblem):
                return answer
            self._cache.keep_outline(key, answer)
            kept = answer
        return decode_outline(kept)

    def _module(self, kind: bytes, data: bytes, digest: bytes) -> CompiledModule:
        key = self._key(kind, digest)
        kept = self._cache.module(key)
        return self._compile(kind, data, key).module if kept is None else kept

    def _compile(self, kind: bytes, data: bytes, key: str) -> Compiled:
        compiled = self._asked(read_codes, kind, data)
        self._cache.keep(key, compiled)
        return compiled

    def _asked(self, read: Callable[[AnswerReader], Answer], kind: bytes, data: bytes) -> Answer:
        """The answer to one job.

        After a failure the next bytes of the helper may belong to the last job: it is ended, and
        another is started, a few times, as the source alone may be to blame.
        """
        if self._failures >= MAXIMUM_FAILURES:
            raise HelperFailed(self._failure)
        try:
            return read(self._running().ask(kind, data, self._level))
        except NotCompiled:
            raise
        except BaseException as error:
            self.close()
            self._failures += 1
            self._failure = str(error)
            raise

    def _running(self) -> Helper:
        if self._helper is None:
            try:
                self._helper = self._start()
            except HelperFailed:
                self._failures = MAXIMUM_FAILURES
                raise
        return self._helper

    def _key(self, kind: bytes, digest: bytes) -> str:
        text = b"%s %d %d " % (kind, self._level, self._columns)
        return blake2b(text + digest, digest_size=16).hexdigest()


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
