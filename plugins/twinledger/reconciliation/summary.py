"""What a run leaves in the store, as JSON: all of its result that is in no table. Finance only.

What belongs here: its shape, and writing and reading it with no digit lost. What does not: facts,
which are in the lake.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from twinledger.reconciliation.audited import CommitmentUse
from twinledger.reconciliation.matched import NOTHING_MATCHED, Matching
from twinledger.reconciliation.result import (
    Charged,
    Claim,
    ClaimLine,
    GateCheck,
    MeterMatch,
    Ownerless,
    PoolRoll,
    PoolTotal,
    RollForward,
    ServicePart,
    Tolerated,
)
from twinledger.vocabulary.money import plain


@dataclass(frozen=True, slots=True)
class Summary:
    """One run; `number` counts the runs of a period, `evidence` is the digest of what was found."""

    number: int
    evidence: str
    totals: tuple[PoolTotal, ...]
    meters: tuple[MeterMatch, ...]
    claims: tuple[Claim, ...]
    claim_lines: tuple[ClaimLine, ...]
    missing: tuple[str, ...]
    warnings: tuple[str, ...]
    tolerances: tuple[str, ...]
    roll_forward: RollForward
    docs: str
    ownership: tuple[Ownerless, ...] = ()
    charged: tuple[Charged, ...] = ()
    tolerated: tuple[Tolerated, ...] = ()
    rolls: tuple[PoolRoll, ...] = ()
    checks: tuple[GateCheck, ...] = ()
    pending: bool = False
    matching: Matching = NOTHING_MATCHED
    undercharges: tuple[Claim, ...] = ()
    commitments: tuple[CommitmentUse, ...] = ()
    services: tuple[ServicePart, ...] = ()


@cache
def _adapter() -> TypeAdapter[Summary]:
    return TypeAdapter(Summary)


def summary_json(summary: Summary) -> dict[str, Any]:
    """The JSON that `read_summary` reads: decimals as digits, instants as ISO 8601."""
    written: dict[str, Any] = _json(asdict(summary))
    return written


def read_summary(written: dict[str, Any]) -> Summary:
    """A summary from its JSON."""
    return _adapter().validate_python(written)


def _json(value: Any) -> Any:  # noqa: ANN401 - JSON is anything
    if isinstance(value, dict):
        return {key: _json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_json(part) for part in value]
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date) else value
