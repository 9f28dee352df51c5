from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.vocabulary.errors import ConfigurationError
from twinledger.vocabulary.identities import checked_name, digest, new_identity, short

texts = st.lists(st.text(), max_size=5)


@given(texts, texts)
def test_only_equal_parts_have_equal_digests(left: list[str], right: list[str]) -> None:
    assert (digest(*left) == digest(*right)) == (left == right)


def test_a_digest_is_the_same_on_every_machine() -> None:
    assert digest("ab", "c") == "601d5476e2ccfe2c87a2bba7a322659734a05749d5b5aa781f513e4912db0d5f"
    assert short(digest("ab")) == digest("ab")[:12]


def test_new_identities_say_what_they_are_of() -> None:
    first, second = new_identity("req"), new_identity("req")
    assert first.startswith("req-")
    assert first != second


@pytest.mark.parametrize("name", ["", "Upper", "1st", "a b", "a/b", "a;drop", "../a", "a" * 64, "a\n"])
def test_names_that_could_mean_more_than_a_name_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a lower-case letter"):
        checked_name("pool", name)


def test_a_plain_name_is_itself() -> None:
    assert checked_name("pool", "kube-2_b") == "kube-2_b"
