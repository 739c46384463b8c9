"""Secrets at rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.base.secrets import SecretBox, token_hash

BOX = SecretBox("a secret key of sixteen characters")
OTHER = SecretBox("another secret key of the same form")


@given(st.text())
def test_what_is_sealed_is_opened_again(plain: str) -> None:
    assert BOX.open(BOX.seal(plain)) == plain


def test_a_seal_hides_the_value_and_never_repeats() -> None:
    one, two = BOX.seal("auth token 12345"), BOX.seal("auth token 12345")
    assert one != two
    assert "12345" not in one


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(ValueError, match="another CALLEASE_SECRET_KEY"):
        OTHER.open(BOX.seal("x"))


@pytest.mark.parametrize("sealed", ["", "nonsense", "gAAAAA", "ü"])
def test_what_is_no_seal_is_not_opened(sealed: str) -> None:
    with pytest.raises(ValueError, match="sealed under"):
        BOX.open(sealed)


def test_a_changed_seal_is_not_opened() -> None:
    sealed = BOX.seal("x")
    with pytest.raises(ValueError, match="sealed under"):
        BOX.open(sealed[:-2] + ("A" if sealed[-2] != "A" else "B") + sealed[-1])


def test_a_caller_is_recognised_by_this_installation_alone() -> None:
    phone = "+77011234567"
    assert BOX.caller_hash(phone) == SecretBox("a secret key of sixteen characters").caller_hash(phone)
    assert BOX.caller_hash(phone) != OTHER.caller_hash(phone)
    assert BOX.caller_hash(phone) != BOX.caller_hash("+77011234568")
    assert "7701" not in BOX.caller_hash(phone)


def test_the_keys_of_the_uses_are_not_one_another() -> None:
    assert BOX.session_key != OTHER.session_key
    assert len(BOX.session_key) == 32
    assert BOX.session_key != b"a secret key of sixteen characters"


def test_a_tokens_hash_is_sha_256() -> None:
    assert token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
