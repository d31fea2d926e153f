"""Which code on disk a live code object is compared with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from instep.model.code import CanonicalCode
from instep.model.compiled import CompiledCode, CompiledModule
from instep.model.verdicts import Verdict
from instep.verdict.pairing import AMBIGUOUS, DiskIndex, counts, pair, settle_by_body

NAMES = st.sampled_from(["f", "C.g", "f.<locals>.h"])
DIGESTS = st.sampled_from([bytes([number]) * 16 for number in range(4)])
LIVES = st.lists(st.builds(CanonicalCode, NAMES, st.integers(1, 9), DIGESTS, DIGESTS), max_size=8)
CODES = st.lists(
    st.builds(CompiledCode, NAMES, st.integers(1, 9), DIGESTS, DIGESTS, st.just(b""), st.just(-1)),
    max_size=8,
)


@given(LIVES, CODES)
def test_every_verdict_is_borne_out_by_the_disk(
    lives: list[CanonicalCode], codes: list[CompiledCode]
) -> None:
    """Fresh, moved, stale and orphaned mean what they say, whatever shares a name."""
    pairs = pair(lives, DiskIndex(CompiledModule(tuple(codes))))
    assert sorted(one.live for one in pairs) == sorted(lives)
    for one in pairs:
        same_name = [code for code in codes if code.qualname == one.live.qualname]
        logics = {code.logic for code in same_name}
        exact = {(code.logic, code.layout) for code in same_name}
        match one.verdict:
            case Verdict.FRESH:
                assert (one.live.logic, one.live.layout) in exact
            case Verdict.MOVED:
                assert one.live.logic in logics
            case Verdict.STALE:
                assert same_name
                assert one.live.logic not in logics
            case Verdict.ORPHANED:
                assert not same_name
            case Verdict.UNPROVEN:
                assert one.reason == AMBIGUOUS
                assert len(logics) > 1


@given(CODES)
def test_what_was_just_compiled_is_fresh(codes: list[CompiledCode]) -> None:
    """A module pairs with itself."""
    lives = [CanonicalCode(*code[:4]) for code in codes]
    pairs = pair(lives, DiskIndex(CompiledModule(tuple(codes))))
    assert counts(pairs)[Verdict.FRESH] == len(codes)


@given(LIVES, CODES)
def test_a_proven_body_settles_what_was_ambiguous(
    lives: list[CanonicalCode], codes: list[CompiledCode]
) -> None:
    """Where nothing of the file changed, twins are what they are; stale code stays stale."""
    pairs = pair(lives, DiskIndex(CompiledModule(tuple(codes))))
    settled = settle_by_body(pairs, body_proven=True)
    assert [one for one in settled if one.reason == AMBIGUOUS] == []
    bad = (Verdict.STALE, Verdict.ORPHANED)
    assert [one for one in settled if one.verdict in bad] == [
        one for one in pairs if one.verdict in bad
    ]
