"""Sealed reasoning opens for the model that issued it, and for nothing else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.sealing import PREFIXES, Seal, is_sealed, seal, unseal

prefixes = st.sampled_from(PREFIXES)


@given(prefixes, st.text(), st.text(), st.text())
def test_a_seal_opens_for_its_own_model(prefix: Seal, model: str, one: str, two: str) -> None:
    sealed = seal(prefix, model, o=one, i=two)
    assert sealed.isascii()
    assert is_sealed(sealed)
    assert unseal(sealed, prefix, model) == {"o": one, "i": two}


@given(prefixes, prefixes, st.text(), st.text())
def test_and_for_no_other(prefix: Seal, other: Seal, model: str, stranger: str) -> None:
    sealed = seal(prefix, model, s="S")
    if prefix != other:
        assert unseal(sealed, other, model) is None
    if model != stranger:
        assert unseal(sealed, prefix, stranger) is None


@given(prefixes, st.text())
def test_nothing_foreign_breaks_it(prefix: Seal, text: str) -> None:
    unseal(text, prefix, "m")
    unseal(prefix + text, prefix, "m")


@pytest.mark.parametrize(
    "body",
    [b"[]", b"3", b'{"m":3}', b'{"o":"x"}', b"[" * 100_000, b"\xff\xff", b""],
    ids=["list", "number", "odd model", "no model", "bottomless", "not text", "empty"],
)
def test_what_is_inside_must_be_ours(body: bytes) -> None:
    assert unseal("gc1." + base64.urlsafe_b64encode(body).decode(), "gc1.", "m") is None


def test_parts_that_are_no_text_are_left_out() -> None:
    body = base64.urlsafe_b64encode(b'{"m":"m","o":"x","n":3}').decode()
    assert unseal("gc1." + body, "gc1.", "m") == {"o": "x"}


def test_a_vendors_own_signature_is_not_sealed() -> None:
    assert not is_sealed("EqQBCgIYAhIM1")
    assert not is_sealed("")
