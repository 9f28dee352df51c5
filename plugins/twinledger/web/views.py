"""What each page shows, read from the store and the lake.

What belongs here: reading, into frozen values that a template can print. What does not: routes,
HTML, and any rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from markupsafe import Markup
from pydantic import ValidationError
from sqlalchemy import select

from twinledger.approvals import RequestView, waiting_for
from twinledger.books import Books
from twinledger.outbox import OutboxEntry, entries
from twinledger.reconciliation import (
    BreakState,
    Claim,
    PoolTotal,
    Reconciliation,
    ResourceMeter,
    known_reconciliation,
    shares_of,
)
from twinledger.slack.cards import spoken
from twinledger.slack.render import CARDS, Links, render
from twinledger.store.models import Budget, Department, ReconciliationRun, Request
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.errors import TwinledgerError
from twinledger.vocabulary.money import Money, exact_sum
from twinledger.vocabulary.periods import Period
from twinledger.web.blocks_html import as_html
from twinledger.web.readers import Reader
from twinledger.web.waterfall import Bar, waterfall

_MESSAGES_SHOWN = 100
_RESOURCES_SHOWN = 20


# --- the outbox ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """One message as people would see it."""

    channel: str
    kind: str
    audience: str
    state: str
    created_at: datetime
    text: str
    html: Markup


def outbox_view(books: Books, reader: Reader) -> list[ShownMessage]:
    """The newest message of each place (kind, subject, channel); those for finance only for finance."""
    latest: dict[tuple[str, str, str], OutboxEntry] = {}
    for one in entries(books.store, audience=reader.audience, limit=_MESSAGES_SHOWN):
        if one.kind in CARDS:
            latest.setdefault((one.kind, one.subject, one.channel), one)
    return [_shown(books, one) for one in latest.values()]


def _shown(books: Books, entry: OutboxEntry) -> ShownMessage:
    try:
        with books.store.reading() as session:
            message = render(session, entry, Links(books.settings.public_url))
        text, html = message.text, as_html(message.blocks)
    except (ValidationError, TwinledgerError):
        text, html = "", Markup("<p>{}</p>").format("This message cannot be shown: its facts are not of its kind.")
    return ShownMessage(entry.channel, entry.kind, entry.audience, entry.state, entry.created_at, text, html)


# --- where to go -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One request in a list."""

    id: str
    requester: str
    product: str
    amount: Money
    state: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Home:
    """What waits for the reader, and where everything is."""

    waiting: list[RequestLine]
    mine: list[RequestLine]
    statements: list[tuple[str, str, list[str]]]
    """Department, its title, its periods."""

    periods: list[tuple[str, str]]
    """Reconciled periods with their verdict; empty for those outside of finance."""


def home_view(books: Books, reader: Reader) -> Home:
    """The first page."""
    with books.store.reading() as session:
        waiting = [_request_line(one) for one in waiting_for(session, reader.name)]
        asked = select(Request).where(Request.requester == reader.name).order_by(Request.created_at.desc()).limit(20)
        mine = [_request_line(one) for one in session.scalars(asked)]
        departments = session.scalars(select(Department).order_by(Department.name)).all()
        planned = defaultdict(list)
        for department, period in session.execute(select(Budget.department, Budget.period).order_by(Budget.period)):
            planned[department].append(period)
        runs = select(ReconciliationRun).order_by(ReconciliationRun.ran_at)
        verdicts = {run.period: run.verdict for run in session.scalars(runs)} if reader.finance else {}
    statements = [(one.name, one.title, planned[one.name]) for one in departments]
    return Home(waiting, mine, statements, sorted(verdicts.items(), reverse=True))


def _request_line(request: Request | RequestView) -> RequestLine:
    amount = Money(request.amount, request.currency)
    return RequestLine(request.id, request.requester, request.product, amount, request.state, request.expires_at)


# --- reconciliation --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step(ForFinance):
    """One bar of the picture with its figure."""

    bar: Bar
    money: Money


@dataclass(frozen=True, slots=True)
class PoolLine(ForFinance):
    """The bridge of one pool."""

    pool: str
    amounts: Mapping[str, Money]
    deviation: Money


@dataclass(frozen=True, slots=True)
class BreakLine(ForFinance):
    """One open break."""

    id: str
    rule: str
    pool: str
    subject: str
    amount: Money
    tolerance: Money
    owner: str
    state: str
    age_days: int


@dataclass(frozen=True, slots=True)
class ClaimRow(ForFinance):
    """What one vendor billed above one contract card."""

    vendor: str
    sku: str
    card: str
    pool: str
    lines: int
    billed: Money
    agreed: Money
    claimed: Money


@dataclass(frozen=True, slots=True)
class DifferenceLine(ForFinance):
    """One meter of one resource whose two sides differ."""

    side: str
    pool: str
    resource: str
    meter: str
    billed: Decimal
    metered: Decimal
    amount: Money


@dataclass(frozen=True, slots=True)
class SuggestionLine(ForFinance):
    """Two resources that may be one."""

    pool: str
    billed: str
    metered: str
    likeness: str
    amount: Money


@dataclass(frozen=True, slots=True)
class ReconciliationPage(ForFinance):
    """Both ledgers of a period; for finance only."""

    period: str
    verdict: str
    run: str
    ran_at: datetime
    external: Money
    internal: Money
    deviation: Money
    held: Money
    zero: Decimal
    height: int
    steps: list[Step]
    components: list[str]
    pools: list[PoolLine]
    breaks: list[BreakLine]
    claims: list[ClaimRow]
    claimed: Money
    vendors: list[str]
    """Those that something is claimed of."""
    undercharged: Money
    differences: list[DifferenceLine]
    suggestions: list[SuggestionLine]
    remarks: list[str]
    tolerances: tuple[str, ...]
    docs: str
    departments: list[str]
    """Those that are charged, and `unassigned`, the platform's own line."""


def reconciliation_page(result: Reconciliation, now: datetime) -> ReconciliationPage:
    """What the page of a reconciliation shows."""

    def money(amount: Decimal) -> Money:
        return Money(amount, result.currency)

    names = sorted({row.component for row in result.bridge if row.amount})
    sums = {name: result.component_amount((name,)) for name in names}
    ranked = sorted(sums.items(), key=lambda one: (-abs(one[1]), one[0]))
    picture = waterfall([(spoken(name), amount) for name, amount in ranked], "deviation")
    claims = sorted(result.claims, key=lambda one: (one.amount, one.card, one.pool))
    return ReconciliationPage(
        period=str(result.period),
        verdict=result.verdict,
        run=result.run_id,
        ran_at=result.ran_at,
        external=money(result.external_amount),
        internal=money(result.internal_amount),
        deviation=money(result.deviation),
        held=money(result.held_cost),
        zero=picture.zero,
        height=picture.height,
        steps=[Step(bar, money(bar.amount)) for bar in picture.bars],
        components=[name for name, _ in ranked],
        pools=[_pool_line(result, total) for total in result.totals],
        breaks=[_break_line(one, now) for one in sorted(result.breaks, key=lambda one: (-abs(one.amount), one.id))],
        claims=[_claim_row(one, result.currency) for one in claims],
        claimed=money(exact_sum(-one.amount for one in claims)),
        vendors=sorted({one.vendor for one in claims}),
        undercharged=money(exact_sum(one.amount for one in result.undercharges)),
        differences=[_difference(one, result.currency) for one in result.matching.differences[:_RESOURCES_SHOWN]],
        suggestions=[
            SuggestionLine(one.pool, one.billed, one.metered, one.likeness, money(one.amount))
            for one in result.matching.suggestions[:_RESOURCES_SHOWN]
        ],
        remarks=[*(f"Missing: {one}" for one in result.missing), *result.warnings],
        tolerances=result.tolerances,
        docs=result.docs,
        departments=sorted({one.department for one in shares_of(result)}),
    )


def reconciliation_view(books: Books, period: Period) -> ReconciliationPage:
    """The newest reconciliation of a period.

    Raises:
        UnknownNameError: the period was never reconciled.
    """
    return reconciliation_page(known_reconciliation(books, period), books.clock.now())


def _pool_line(result: Reconciliation, total: PoolTotal) -> PoolLine:
    amounts = {row.component: Money(row.amount, row.currency) for row in result.bridge if row.pool == total.pool}
    return PoolLine(total.pool, amounts, Money(total.deviation, result.currency))


def _break_line(one: BreakState, now: datetime) -> BreakLine:
    amount, tolerance = Money(one.amount, one.currency), Money(one.tolerance, one.currency)
    age = (now - one.opened_at).days
    return BreakLine(one.id, spoken(one.rule), one.pool, one.subject, amount, tolerance, one.owner, one.state, age)


def _difference(one: ResourceMeter, currency: str) -> DifferenceLine:
    side, meter = one.side.replace("_", " "), f"{one.product}/{one.meter}"
    amount = Money(one.amount, currency)
    return DifferenceLine(side, one.pool, one.resource, meter, one.capacity_quantity, one.metered_quantity, amount)


def _claim_row(one: Claim, currency: str) -> ClaimRow:
    return ClaimRow(
        vendor=one.vendor,
        sku=one.sku,
        card=one.card,
        pool=one.pool,
        lines=one.line_count,
        billed=Money(one.billed_amount, currency),
        agreed=Money(one.agreed_amount, currency),
        claimed=Money(-one.amount, currency),
    )
