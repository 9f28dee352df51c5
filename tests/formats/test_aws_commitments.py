"""AWS commitments: over a term, what was used and what was not is what was paid, to the cent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.formats.aws_lines import CUR_2, LEGACY, USAGE, Line, charges, write_csv
from twinledger.vocabulary.identities import new_identity
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

EXAMPLES = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FIRST = Period(2024, 5)
HALF_A_CENT = Decimal("0.005")
_DIGITS = Decimal("0.0000000001")


@dataclass(frozen=True)
class Term:
    """A commitment: what is paid for it, and which share of it is used in each month of its term.

    `net` is the share of every price that is left after a private discount, or None without one.
    """

    kind: Literal["reservation", "plan"]
    upfront: Decimal
    monthly: Decimal
    used: tuple[Decimal, ...]
    net: Decimal | None
    number: int = 0

    @property
    def arn(self) -> str:
        """Its identity in the bill."""
        return f"arn:aws:{self.kind}:eu-west-1:012345678901:committed/{self.number}"

    def paid(self, months: int) -> Decimal:
        """What is paid for it in so many months, exactly."""
        return self.left(self.upfront) + self.left(self.monthly) * months

    def left(self, amount: Decimal) -> Decimal:
        """An amount after the private discount, to ten digits."""
        return digits(amount * self.net) if self.net else amount


def digits(amount: Decimal) -> Decimal:
    """An amount as AWS rounds it."""
    return amount.quantize(_DIGITS)


money = st.integers(1, 5_000_000).map(lambda cents: Decimal(cents) / 100)
nothing = st.just(Decimal(0))
payments = st.one_of(st.tuples(money, nothing), st.tuples(money, money), st.tuples(nothing, money))
shares = st.one_of(st.sampled_from([Decimal(0), Decimal(1)]), st.decimals(0, 1, places=4))
terms = st.builds(
    lambda kind, payment, used, net: Term(kind, payment[0], payment[1], tuple(used), net),
    st.sampled_from(["reservation", "plan"]),
    payments,
    st.lists(shares, min_size=3, max_size=36),
    st.one_of(st.none(), st.decimals("0.5", "0.99", places=3)),
)


def bill(term: Term, months: int) -> Iterator[Line]:
    """The lines of the first months of a term, as a report of months has them."""
    lines = _reservation if term.kind == "reservation" else _plan
    for number, share in enumerate(term.used[:months]):
        period = FIRST.shift(number)
        start, end = (f"{at:%Y-%m-%dT%H:%M:%S}.000Z" for at in (period.start(), period.end()))
        for line in lines(term, share, first=number == 0):
            dated = {"bill/BillingPeriodStartDate": start, "bill/BillingPeriodEndDate": end}
            dated |= {"lineItem/UsageStartDate": start, "lineItem/UsageEndDate": end}
            yield {**USAGE, **dated, **line}


def _net(term: Term, name: str, amount: Decimal) -> Line:
    return {name: f"{term.left(amount):f}"} if term.net else {}


def _line(term: Term, kind: str, cost: Decimal) -> Line:
    cells = {"lineItem/LineItemType": kind, "lineItem/UnblendedCost": f"{cost:f}"}
    arn = "reservation/ReservationARN" if term.kind == "reservation" else "savingsPlan/SavingsPlanARN"
    return {**cells, arn: term.arn, **_net(term, "lineItem/NetUnblendedCost", cost)}


def _amortised(term: Term, share: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """Of a month: the part of what was paid upfront, and what of it and of the monthly fee is used."""
    upfront = digits(term.upfront / len(term.used))
    return upfront, digits(upfront * share), digits(term.monthly * share)


def _reservation(term: Term, share: Decimal, *, first: bool) -> Iterator[Line]:
    upfront, used_upfront, used_monthly = _amortised(term, share)
    if first and term.upfront:
        yield _line(term, "Fee", term.upfront)
    unused = {
        "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": f"{upfront - used_upfront:f}",
        "reservation/UnusedRecurringFee": f"{term.monthly - used_monthly:f}",
    }
    unused |= _net(term, "reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod", upfront - used_upfront)
    unused |= _net(term, "reservation/NetUnusedRecurringFee", term.monthly - used_monthly)
    yield {**_line(term, "RIFee", term.monthly), **unused}
    for half in (used_upfront, used_monthly):
        net = _net(term, "reservation/NetEffectiveCost", half)
        yield {**_line(term, "DiscountedUsage", Decimal(0)), "reservation/EffectiveCost": f"{half:f}", **net}


def _plan(term: Term, share: Decimal, *, first: bool) -> Iterator[Line]:
    upfront, used_upfront, used_monthly = _amortised(term, share)
    used = used_upfront + used_monthly
    if first and term.upfront:
        yield _line(term, "SavingsPlanUpfrontFee", term.upfront)
    commitment = {
        "savingsPlan/TotalCommitmentToDate": f"{upfront + term.monthly:f}",
        "savingsPlan/UsedCommitment": f"{used:f}",
        "savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod": f"{upfront:f}",
        "savingsPlan/RecurringCommitmentForBillingPeriod": f"{term.monthly:f}",
    }
    commitment |= _net(term, "savingsPlan/NetAmortizedUpfrontCommitmentForBillingPeriod", upfront)
    commitment |= _net(term, "savingsPlan/NetRecurringCommitmentForBillingPeriod", term.monthly)
    yield {**_line(term, "SavingsPlanRecurringFee", term.monthly), **commitment}
    on_demand = digits(used * Decimal("1.4"))
    effective = {"savingsPlan/SavingsPlanEffectiveCost": f"{used:f}"}
    effective |= _net(term, "savingsPlan/NetSavingsPlanEffectiveCost", used)
    yield {**_line(term, "SavingsPlanCoveredUsage", on_demand), **effective}
    yield _line(term, "SavingsPlanNegation", -on_demand)


def closed(tmp_path: Path, bought: Sequence[tuple[Term, int]], header: list[str]) -> list[dict[str, Any]]:
    """The totals of commitments of each of which a file has so many months."""
    folder = tmp_path / new_identity("term")
    folder.mkdir()
    lines = [line for term, months in bought for line in bill(term, months)]
    with charges(folder, write_csv(folder / "report-1.csv", header, lines)) as engine:
        engine.view_model("commitments/commitment_totals")
        totals = engine.rows("commitment_totals")
        ((refused, wrong, billed),) = engine.query(
            'SELECT COUNT("refusal"), COUNT(*) FILTER ("ChargeCategory" = \'Purchase\' AND '
            '("EffectiveCost" <> 0 OR "CommitmentDiscountStatus" IS NOT NULL)), SUM("BilledCost") FROM external_charges'
        )
    assert (refused, wrong) == (0, 0)
    assert billed == exact_sum(total["purchased"] for total in totals)
    return sorted(totals, key=lambda total: str(total["commitment"]).rpartition("/")[2])


@pytest.mark.parametrize("header", [LEGACY, CUR_2], ids=["legacy", "second"])
@EXAMPLES
@given(bought=st.lists(terms, min_size=1, max_size=4))
def test_over_a_term_the_effective_cost_of_usage_is_what_was_paid_to_the_cent(
    tmp_path: Path, header: list[str], bought: list[Term]
) -> None:
    numbered = [replace(term, number=number) for number, term in enumerate(bought)]
    totals = closed(tmp_path, [(term, len(term.used)) for term in numbered], header)
    for term, total in zip(numbered, totals, strict=True):
        assert total["purchased"] == term.paid(len(term.used))
        assert total["difference"] == total["purchased"] - total["used"] - total["unused"]
        assert abs(total["difference"]) < HALF_A_CENT
        in_use = exact_sum(sum(_amortised(term, share)[1:], Decimal(0)) for share in term.used)
        assert abs(total["used"] - term.left(in_use)) < HALF_A_CENT
        assert (total["charged_from"], total["charged_until"]) == (naive(FIRST), naive(FIRST.shift(len(term.used))))


@EXAMPLES
@given(bought=st.lists(st.tuples(terms, st.integers(1, 3)), min_size=1, max_size=4))
def test_before_its_end_the_difference_is_what_is_paid_for_time_to_come(
    tmp_path: Path, bought: list[tuple[Term, int]]
) -> None:
    numbered = [(replace(term, number=number), months) for number, (term, months) in enumerate(bought)]
    for (term, months), total in zip(numbered, closed(tmp_path, numbered, LEGACY), strict=True):
        ahead = term.left(term.upfront) * (len(term.used) - months) / len(term.used)
        assert abs(total["difference"] - ahead) < HALF_A_CENT


def naive(period: Period) -> object:
    """The start of a period as the ledger holds it."""
    return period.start().replace(tzinfo=None)
