"""The gate's verdict as SARIF 2.1.0, which code hosts show beside a change.

What belongs here: that format. What does not: what is judged.

Source: docs.oasis-open.org/sarif/sarif/v2.1.0. A resource of a plan is a logical location; a file is named only where
the caller knows one, since a plan does not say which file a resource stands in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from twinledger.plans.gate import Uncovered, Verdict
from twinledger.vocabulary.identities import digest

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_MAX_SOURCE = 2**20
_RULES = {
    "uncovered-resource": (
        "A resource that no grant covers",
        "Ask for what is missing, or change the plan to what was granted.",
    ),
    "uncounted-resource": (
        "A resource that cannot be counted",
        "Say in resources.yaml what it counts as, so that it can be asked for.",
    ),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the configuration: its address below the repository's root, and its lines."""

    uri: str
    lines: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> Source:
        """A file as it stands; of one that is too large or no UTF-8, only its name counts."""
        raw = path.read_bytes() if path.stat().st_size <= _MAX_SOURCE else b""
        return cls(quote(path.as_posix()), tuple(raw.decode("utf-8", "replace").splitlines()))

    def line_of(self, address: str, type_name: str) -> int:
        """The line that the resource's block begins on; 1 where it is not in the file."""
        name = re.escape(re.sub(r"\[.*", "", address.rpartition(f"{type_name}.")[2]))
        block = re.compile(rf'\s*resource\s+"?{re.escape(type_name)}"?\s+"?{name}"?\s*(\{{|$)')
        return next((number for number, line in enumerate(self.lines, start=1) if block.match(line)), 1)


def sarif(verdict: Verdict, source: Path | None = None) -> dict[str, Any]:
    """One run with a result for each thing that stands in the plan's way."""
    known = Source.read(source) if source else None
    driver = {"name": "Twinledger", "rules": [_rule(name, *said) for name, said in _RULES.items()]}
    results = [_result(one, verdict.workspace, known) for one in verdict.uncovered]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str, title: str, help_text: str) -> Mapping[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": title},
        "help": {"text": help_text},
        "defaultConfiguration": {"level": "error"},
    }


def _result(one: Uncovered, workspace: str, source: Source | None) -> Mapping[str, Any]:
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": one.address, "kind": "resource"}]}
    if source is not None:
        region = {"startLine": source.line_of(one.address, one.type)}
        location["physicalLocation"] = {"artifactLocation": {"uri": source.uri}, "region": region}
    return {
        "ruleId": one.rule,
        "ruleIndex": list(_RULES).index(one.rule),
        "level": "error",
        "message": {"text": f"{one.address}: {one.reason}. {_sentence(one.remedy)}"},
        "locations": [location],
        "partialFingerprints": {"resource/v1": digest(workspace, one.address, one.rule)},
    }


def _sentence(text: str) -> str:
    """A remedy after a full stop; a command stays as it is typed."""
    return f"To ask for it: {text}" if text.startswith("twinledger ") else f"{text[:1].upper()}{text[1:]}."
