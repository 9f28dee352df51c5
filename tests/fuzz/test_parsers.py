"""Every parser of bytes that is ours gives a result or a named error: over random bytes, changed files, any JSON."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.documents import changed_anywhere
from tests.fuzz.harness import PARSERS, SEEDS, bill_file, manifest
from twinledger.vocabulary.settings import ROOT

EXAMPLES = settings(max_examples=60, deadline=None)
RUNS = 1000
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["\ud800", "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.parametrize("parser", sorted(PARSERS))
@EXAMPLES
@given(data=st.data())
def test_any_bytes_are_a_result_or_a_named_error(parser: str, data: st.DataObject) -> None:
    PARSERS[parser](data.draw(st.binary(max_size=300)))


@pytest.mark.parametrize("parser", sorted(PARSERS))
@EXAMPLES
@given(data=st.data())
def test_a_file_with_bytes_changed_left_out_or_put_in_is_a_result_or_a_named_error(
    parser: str, data: st.DataObject
) -> None:
    seed = data.draw(st.sampled_from(SEEDS[parser]))
    start = data.draw(st.integers(0, len(seed)))
    end = data.draw(st.integers(start, min(start + 8, len(seed))))
    PARSERS[parser](seed[:start] + data.draw(st.binary(max_size=8)) + seed[end:])


@EXAMPLES
@given(st.sampled_from([json.loads(seed) for seed in SEEDS["manifest"]]), st.data())
def test_a_manifest_with_anything_at_any_place_is_read_or_refused_by_name(
    seed: dict[str, Any], data: st.DataObject
) -> None:
    manifest(json.dumps(changed_anywhere(seed, data, ANYTHING)).encode())


@pytest.mark.parametrize(
    "nested", [b"[" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900, b'{"reportKeys":' + b"[" * 400 + b"]" * 400 + b"}"]
)
def test_a_manifest_that_is_nested_without_end_is_refused_by_name(nested: bytes) -> None:
    manifest(nested)


@EXAMPLES
@given(st.text(), st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-32", "shift-jis", "latin-1"]))
@example('"', "utf-8")
def test_any_text_in_any_encoding_is_a_header_or_a_named_error(text: str, encoding: str) -> None:
    for wrapped in (0, 3, 4):
        bill_file(bytes([wrapped]) + text.encode(encoding, "replace"))


def _without_atheris() -> None:
    reason = "atheris has no wheel for this Python"
    if os.environ.get("REQUIRE_ALL") == "1" and sys.version_info[:2] == (3, 11) and sys.platform == "linux":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize("parser", sorted(PARSERS))
def test_what_atheris_finds_is_a_result_or_a_named_error(parser: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        _without_atheris()
    options = [f"-runs={RUNS}", "-seed=1", "-max_total_time=20", f"-artifact_prefix={tmp_path}/"]

    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", parser, *options],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
