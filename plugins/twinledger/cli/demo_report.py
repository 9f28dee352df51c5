"""What the demo prints at its end: ledgers, bridge, breaks, the approval, the messages, and where to look.

What belongs here: tables. What does not: figures, which are read from the books as finance would.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from twinledger.cli.output import money, out, table
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

if TYPE_CHECKING:
    from twinledger.books import Books
    from twinledger.outbox import OutboxEntry
    from twinledger.reconciliation import Reconciliation
    from twinledger.vocabulary.settings import Settings

_COMPONENTS = (
    "discount_kept",
    "pricing",
    "idle",
    "unmetered",
    "unbilled",
    "non_usage",
    "timing",
    "restatement",
    "currency",
    "unassigned",
    "rounding",
    "unexplained",
)


def periods(books: Books) -> list[Period]:
    """The billing periods that the external ledger has, in order."""
    from twinledger.lake.tables import EXTERNAL_CHARGES

    names = (part for name in books.lake.slices(EXTERNAL_CHARGES) for part in name.split("/"))
    return sorted({Period.parse(part.removeprefix("x_period=")) for part in names if part.startswith("x_period=")})


def show(settings: Settings, request: str, passwords: Mapping[str, str]) -> None:
    """Print the report of a demo that has come to its end."""
    from twinledger.deployment import open_books
    from twinledger.reconciliation import read_reconciliation

    out.print()
    with open_books(settings) as books:
        _bills(books)
        found = [one for period in periods(books) if (one := read_reconciliation(books, period))]
        _ledgers(found)
        for one in found:
            if one.breaks:
                _bridge(one)
        _breaks(found)
        _approval(books, request)
        _messages(books)
        _links(settings, request, found, passwords)


def _bills(books: Books) -> None:
    """BilledCost of each source, as the vendor bills it."""
    from twinledger.store.models import DeliverySlice, Source

    query = (
        select(DeliverySlice)
        .join(Source, Source.name == DeliverySlice.source)
        .where(Source.kind == "bill", DeliverySlice.current)
        .order_by(DeliverySlice.source, DeliverySlice.period, DeliverySlice.slice)
    )
    charges: Counter[tuple[str, str, str]] = Counter()
    billed: dict[tuple[str, str, str], list[Decimal]] = defaultdict(list)
    with books.store.reading() as session:
        for one in session.scalars(query):
            for total in one.totals:
                billed[one.source, one.period, total["currency"]].append(Decimal(total["billed_cost"]))
            for currency in {total["currency"] for total in one.totals}:
                charges[one.source, one.period, currency] += one.rows
    rows = [
        (source, period, f"{charges[source, period, currency]:,}", money(exact_sum(amounts)), currency)
        for (source, period, currency), amounts in billed.items()
    ]
    columns = ("source", "period", "charges", "billed", "currency")
    table("External ledger: what the vendors bill", columns, rows, right=("charges", "billed"))


def _ledgers(found: Iterable[Reconciliation]) -> None:
    rows = [
        (
            one.period,
            money(_cents(one.internal_amount)),
            money(_cents(one.external_amount)),
            money(_cents(one.deviation)),
            one.currency,
            len(one.breaks),
            one.verdict,
        )
        for one in found
    ]
    columns = ("period", "internal", "external", "deviation", "currency", "breaks", "verdict")
    right = ("internal", "external", "deviation", "breaks")
    table("Both ledgers: internal charges less the vendors' effective cost", columns, rows, right)


def _bridge(one: Reconciliation) -> None:
    """Components by pool; each column adds up to its pool's deviation."""
    pools = [total.pool for total in one.totals]
    amounts = {(row.pool, row.component): row.amount for row in one.bridge}
    rows = []
    for component in _COMPONENTS:
        of_pools = [amounts.get((pool, component), Decimal(0)) for pool in pools]
        if any(of_pools):
            rows.append((component.replace("_", " "), *map(_figure, of_pools), _figure(exact_sum(of_pools))))
    deviations = [total.deviation for total in one.totals]
    rows.append(("deviation", *map(_figure, deviations), _figure(exact_sum(deviations))))
    columns = ("component", *pools, "all pools")
    table(f"Bridge of {one.period} in {one.currency}", columns, rows, right=columns[1:])


def _breaks(found: Iterable[Reconciliation]) -> None:
    rows = [
        (one.period, found_one.rule, found_one.pool, found_one.subject, money(found_one.amount), found_one.currency)
        for one in found
        for found_one in sorted(one.breaks, key=lambda each: -abs(each.amount))
    ]
    columns = ("period", "rule", "pool", "subject", "amount", "currency")
    table("Breaks: deviations beyond tolerance", columns, rows, right=("amount",))


def _approval(books: Books, request: str) -> None:
    from twinledger.approvals import request_view

    with books.store.reading() as session:
        view = request_view(session, request)
    wish = f"{view.quantity.normalize():f} {view.facts['unit']} a day for {view.days} days"
    row = (
        view.id,
        view.requester,
        wish,
        f"{money(view.amount)} {view.currency}",
        ", ".join(view.approvers),
        view.state,
    )
    table("Approval waiting", ("request", "of", "for", "amount", "to decide", "state"), [row])


def _messages(books: Books) -> None:
    from twinledger.outbox import entries

    told = [one for one in reversed(entries(books.store, limit=1000)) if one.kind != "wake"]
    rows = [(one.channel, one.kind, _said_of(one), one.audience, one.state) for one in told]
    table(
        "Messages (no Slack token: the outbox is where they are read)", ("to", "card", "of", "audience", "state"), rows
    )


def _said_of(one: OutboxEntry) -> str:
    """What a message is of: an alert by its budget or series, and its rule."""
    facts = one.facts
    return f"{facts['subject']} {facts['period']}: {facts['rule']}" if one.kind == "alert" else one.subject


def _links(settings: Settings, request: str, found: list[Reconciliation], passwords: Mapping[str, str]) -> None:
    pages = f"{settings.public_url}/twinledger"
    rows = [
        ("Airflow", settings.public_url),
        ("our pages", f"{pages}/"),
        *((f"reconciliation {one.period}", f"{pages}/reconciliation/{one.period}") for one in found[-1:]),
        ("held share", f"{pages}/held"),
        ("alerts", f"{pages}/alerts"),
        ("the approval waiting", f"{pages}/requests/{request}"),
        ("Airflow's approval task", f"{settings.public_url}/dags/provisioning_approval/runs/{request}"),
    ]
    out.print("[bold]Where to look, while the demo runs[/]")
    for page, address in rows:
        out.print(f"{page:24}  [link={address}]{address}[/]", soft_wrap=True)
    out.print()
    out.print("[bold]Who may log in[/]: carol reads finance's pages, ivan decides the request", soft_wrap=True)
    users = [f"{user} {password}" for user, password in passwords.items() if user != "twinledger"]
    for three in range(0, len(users), 3):
        out.print("".join(f"{one:26}" for one in users[three : three + 3]), soft_wrap=True)
    out.print()


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def _figure(amount: Decimal) -> str:
    return money(_cents(amount)) if amount else "-"
