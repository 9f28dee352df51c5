"""A company of three departments in October: every part of a review has something to say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from tests.statements.example import DOCUMENT, OCTOBER, SEPTEMBER, usd
from twinledger.anomalies import Anomaly, AnomalyCause
from twinledger.approvals import GrantView, RequestView
from twinledger.budgets import Effects, MetricConfig, UnitCost, Variance
from twinledger.rating import Statement, StatementLine
from twinledger.reconciliation import BreakLine
from twinledger.reviews.build import department_review, everyones_review
from twinledger.reviews.company import (
    CompanyReview,
    HeldLine,
    OwnerKnown,
    Reconciled,
    Saving,
    UnusedCommitment,
    VendorMoved,
)
from twinledger.reviews.company_read import open_breaks, vendor_anomalies
from twinledger.reviews.read import Asked, AssignedBreak, Inputs, Permit, Unit
from twinledger.reviews.review import Review
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.periods import Period

NOW = datetime(2026, 11, 5, 8, 0, tzinfo=UTC)
DATA, SHOP, GROUP = "data-science", "shop", "group"
SECRET = "271828.18"
"""A figure of a vendor's bill."""

UNITS = {
    GROUP: Unit(GROUP, "Group", "CC-1", None, ("ada",)),
    DATA: Unit(DATA, "数据科学 <Data Science>", "CC-320", GROUP, ("bob", "eve")),
    SHOP: Unit(SHOP, "Shop", "CC-410", GROUP, ("cy",)),
}


def position(name: str, plan: str, actual: str, committed: str = "0") -> Variance:
    variance = usd(actual) + usd(committed) - usd(plan)
    return Variance(name, usd(plan), usd(actual), usd(committed), variance, over=variance.amount > 0)


def statement(department: str, period: Period, product: str, amount: str) -> Statement:
    line = StatementLine(product, "hours", "hour", Decimal(1), Decimal(amount), usd(amount), "usage")
    return Statement(department, period, (line,), usd(amount))


def effects(scope: str, product: str, before: str, after: str, price: str, volume: str) -> Effects:
    """What price and volume do not explain is new resources."""
    new = usd(after) - usd(before) - usd(price) - usd(volume)
    zero = usd("0")
    return Effects(scope, product, "hour", usd(before), usd(after), usd(price), usd(volume), zero, new, zero)


def request(number: int, department: str, state: str, amount: str, day: str) -> Asked:
    view = RequestView(
        id=f"req-{number}", requester="cy", department=department, product="gpu", meter="hours", quantity=Decimal(1),
        region="eu", days=10, period="2026-10", amount=Decimal(amount), currency="USD", justification="", state=state,
        revision=1, approvers=(), stages=(), stage=0, account=None, resources=(), supersedes=None,
        created_at=datetime.fromisoformat(f"{day}T10:00:00+00:00"), expires_at=NOW, decided_by=None, decided_at=None,
        decided_on=None, comment=None, facts={}, grant=None,
    )  # fmt: skip
    return Asked(view, usd(amount))


def permit(name: str, department: str, begins: str, ends: str, *, used: bool) -> Permit:
    instants = (datetime.fromisoformat(f"{day}T00:00:00+00:00") for day in (begins, ends))
    starts_at, ends_at = instants
    view = GrantView(name, "req-1", "cy", department, "gpu", "hours", Decimal(1), "eu", None, (), starts_at, ends_at, 1,
                     None, None, None, None, None)  # fmt: skip
    return Permit(view, used)


def anomaly(name: str, department: str, view: View, actual: str, day: str = "2026-10-12") -> Anomaly:
    start = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    return Anomaly(
        name, f"{department} / gpu", f"{department}: GPU cards", view, department, "level shift", start, start,
        usd(actual), usd("100.00"), (AnomalyCause("meter", "Large cards", usd(actual)),), "more usage", "open", "",
        NOW,
    )  # fmt: skip


def unit_cost(period: str, quantity: int, cost: str, each: str) -> UnitCost:
    zero = usd("0")
    return UnitCost(period, Decimal(quantity), 30, usd(cost), Decimal(each), zero, zero, zero, zero)


ANOMALIES = (
    anomaly("an-1", DATA, "internal", "841.23"),
    anomaly("an-2", DATA, "effective", SECRET),
    anomaly("an-3", SHOP, "internal", "50.00"),
    anomaly("an-4", DATA, "internal", "999.00", "2026-09-01"),
)

INPUTS = Inputs(
    period=OCTOBER,
    now=NOW,
    zone="UTC",
    currency="USD",
    closed=False,
    units=UNITS,
    products={"gpu": "GPU cards", "kubernetes": "容器平台"},
    positions={
        SEPTEMBER: (position(DATA, "6500", "6110.35"), position(SHOP, "400", "390.10")),
        OCTOBER: (position(DATA, "6000", "6640.38", "250"), position(SHOP, "0", "410.00"),
                  position("unassigned", "0", "12.34")),
    },
    documents={DATA: DOCUMENT},
    statements=(
        statement(DATA, Period(2026, 8), "gpu", "2050.00"),
        statement(DATA, SEPTEMBER, "gpu", "6110.35"),
        statement(SHOP, SEPTEMBER, "kubernetes", "390.10"),
        statement(DATA, OCTOBER, "gpu", "6640.38"),
        statement(SHOP, OCTOBER, "kubernetes", "410.00"),
        statement("unassigned", OCTOBER, "gpu", "12.34"),
    ),
    effects=(
        effects(DATA, "gpu", "2950.00", "3691.23", "120.13", "621.10"),
        effects(DATA, "kubernetes", "2811.85", "2749.45", "0", "-62.40"),
        effects(DATA, "other", "348.50", "199.70", "1.00", "-149.80"),
        effects(SHOP, "kubernetes", "390.10", "410.00", "0", "9.90"),
    ),
    requests=(
        request(1, DATA, "approved", "250.00", "2026-10-02"),
        request(2, DATA, "pending", "80.00", "2026-10-20"),
        request(3, SHOP, "denied", "40.00", "2026-10-21"),
        request(4, DATA, "pending", "15.00", "2026-09-28"),
    ),
    permits=(
        permit("gr-unused", DATA, "2026-10-03", "2026-12-31", used=False),
        permit("gr-ends", DATA, "2026-10-03", "2026-11-10", used=True),
        permit("gr-fresh", DATA, "2026-11-02", "2026-12-31", used=False),
    ),
    breaks=(AssignedBreak("b" * 64, "idle", "compute", "bob"),),
    metrics=(
        (MetricConfig(name="orders", title="Orders", unit="order", departments=(SHOP,)),
         (unit_cost("2026-09", 1000, "390.10", "0.39010"), unit_cost("2026-10", 1250, "410.00", "0.328"))),
    ),
)  # fmt: skip

REVIEW = department_review(INPUTS, DATA, ANOMALIES)


def review_as_of(department: str, title: str) -> Review:
    """The same review as that of another department."""
    waiting = tuple(replace(one, department=department) for one in REVIEW.requests.waiting)
    return replace(
        REVIEW,
        department=department,
        title=title,
        anomalies=tuple(replace(one, department=department) for one in REVIEW.anomalies),
        requests=replace(REVIEW.requests, waiting=waiting),
        findings=tuple(replace(one, department=department) for one in REVIEW.findings),
    )


SHARED = everyones_review(INPUTS, ANOMALIES)

BREAK = BreakLine(
    id="b" * 64, rule="idle", pool="compute", period="2026-10", subject="i-0<1>", money=usd("-310.00"),
    tolerance=usd("50.00"), owner="ada", owner_rule="", assignee="bob", state="new", resolution=None, opened_at=NOW,
    age_days=3, age_class="2-7", priority="high", snoozed_until=None, acted_by=None, acted_at=None, acted_on=None,
    note=None, reference=None, run="run-1", revision=1,
)  # fmt: skip

COMPANY = CompanyReview(
    shared=SHARED,
    reconciled=Reconciled(
        verdict="breaks",
        internal=usd("7062.72"),
        external=usd(SECRET),
        deviation=usd("-264765.46"),
        held=HeldLine("all", usd(SECRET), usd("3120.50"), Decimal("1.15")),
        pools=(HeldLine("compute", usd(SECRET), usd("3120.50"), Decimal("1.15")),),
        claims=2,
        claimed=usd("77.70"),
    ),
    breaks=open_breaks([BREAK], "USD"),
    effects=(
        VendorMoved("AWS", "Amazon EC2", usd("9000.00"), usd("9500.00"), usd("100.00"), usd("300.00"), usd("0"),
                    usd("150.00"), usd("-50.00")),
    ),
    savings=(Saving("AWS", usd("1234.56")),),
    unused=(UnusedCommitment("sp-1", "AWS", Decimal(1000), Decimal("45.5"), "USD"),),
    owners=(OwnerKnown("own", usd("800.00"), Decimal(80)), OwnerKnown("unassigned", usd("200.00"), Decimal(20))),
    anomalies=vendor_anomalies(ANOMALIES, OCTOBER, "UTC"),
    notes=(),
)  # fmt: skip
