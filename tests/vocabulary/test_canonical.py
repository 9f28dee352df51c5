"""Canonical JSON, beside the examples of RFC 8785 and in whatever order it is written."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.vocabulary.canonical import canonical_digest, canonical_json

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def test_members_are_in_the_order_of_the_example_of_rfc_8785() -> None:
    names = {
        "\u20ac": "Euro",
        "\r": "CR",
        "\ufb33": "Dagesh",
        "1": "One",
        "\U0001f600": "Face",
        "\u0080": "C",
        "ö": "o",
    }

    assert list(json.loads(canonical_json(names)).values()) == ["CR", "One", "C", "o", "Euro", "Face", "Dagesh"]


def test_texts_have_the_shortest_escapes_and_there_is_no_white_space() -> None:
    assert canonical_json({"b": ["\u20ac$\u000f\nA'B\"\\/", 1], "a": None}) == (
        '{"a":null,"b":["\u20ac$\\u000f\\nA\'B\\"\\\\/",1]}'
    )
    assert canonical_digest([1, True]) == hashlib.sha256(b"[1,true]").hexdigest()


@given(VALUES)
def test_what_is_written_is_read_back_and_written_alike(value: Any) -> None:  # noqa: ANN401 - any JSON
    written = canonical_json(value)

    assert json.loads(written) == value
    assert canonical_json(json.loads(written)) == written


@pytest.mark.parametrize("value", [1.5, Decimal(1), {1: "a"}, [{"a": b"x"}], {"a": {1}}, float("nan")])
def test_what_has_no_one_spelling_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)
