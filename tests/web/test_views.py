"""From results to what a page shows: pictures, tables, Slack's marks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request

from tests.golden import Golden
from tests.slack.test_cards import RECONCILIATION
from tests.statements.example import DOCUMENT, EMPTY
from twinledger.reconciliation import (
    BreakState,
    BridgeRow,
    Claim,
    HeldMonth,
    Match,
    Ownerless,
    PoolTotal,
    Reconciliation,
    RollForward,
    Tally,
    held_month,
)
from twinledger.slack.cards import reconciliation_card
from twinledger.statements import Document
from twinledger.vocabulary.periods import Period
from twinledger.web.blocks_html import as_html, marked
from twinledger.web.context import TEMPLATES, templated
from twinledger.web.held_view import held_chart, held_page
from twinledger.web.readers import Reader
from twinledger.web.statement_pages import statement_values
from twinledger.web.views import reconciliation_page
from twinledger.web.waterfall import WIDTH, waterfall

NOW = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)
OCTOBER = Period(2026, 10)
FINANCE = Reader("ada", "Ada Lovelace", ("finance",))
NONE = Tally(0, Decimal(0))


def _bridge(pool: str, **amounts: str) -> list[BridgeRow]:
    return [BridgeRow(pool, name, Decimal(amount), "USD", 1) for name, amount in amounts.items()]


def _total(pool: str, internal: str, external: str) -> PoolTotal:
    return PoolTotal(pool, Decimal(internal), Decimal(external), Decimal(internal) - Decimal(external))


RESULT = Reconciliation(
    run_id="run-2026-10-1",
    period=OCTOBER,
    verdict="breaks",
    currency="USD",
    ran_at=NOW,
    bridge=(
        *_bridge("compute", discount_kept="2000", pricing="150.25", idle="-420.10", rounding="0.004"),
        *_bridge("kubernetes", discount_kept="310", unmetered="-3234.56", currency="0"),
        *_bridge("unassigned", unassigned="-75"),
    ),
    totals=(
        _total("compute", "51730.154", "50000"),
        _total("kubernetes", "37075.44", "40000"),
        _total("unassigned", "0", "75"),
    ),
    matches=(),
    meters=(),
    claims=(
        Claim(
            "compute", "card-7", "Acme <Cloud>", "m5.large", 12, Decimal(100), Decimal(110), Decimal(100), Decimal(-10)
        ),
    ),
    claim_lines=(),
    breaks=(
        BreakState(
            "b1", "unmetered", "kubernetes", "cluster <prod>", Decimal("-3234.56"), "USD", Decimal("0.01"), "ada",
            "new", NOW - timedelta(days=3),
        ),
        BreakState(
            "b2", "idle", "compute", "compute", Decimal("-420.10"), "USD", Decimal(100), "bob", "acknowledged", NOW
        ),
    ),
    missing=(),
    warnings=("rates of 2 days are missing",),
    tolerances=("compute: idle 100.00 USD above and below",),
    roll_forward=RollForward(NONE, NONE, NONE, NONE),
    docs="finance/reconciliation/index.html",
    changed=True,
)  # fmt: skip


def _request() -> Request:
    return Request({"type": "http", "root_path": "/twinledger", "headers": []})


def _html(template: str, **values: object) -> str:
    return bytes(templated(_request(), template, {"reader": FINANCE, **values}).body).decode()


def test_the_page_of_a_reconciliation_looks_as_agreed(golden: Golden) -> None:
    html = _html("reconciliation.html", page=reconciliation_page(RESULT, NOW))
    assert "cluster &lt;prod&gt;" in html
    golden.check("reconciliation.html", html)


def test_the_page_shows_the_sums_of_the_result() -> None:
    page = reconciliation_page(RESULT, NOW)
    assert (str(page.external), str(page.internal)) == ("90,075.00 USD", "88,805.59 USD")
    assert sum(step.bar.amount for step in page.steps[:-1]) == page.deviation.amount
    assert [line.age_days for line in page.breaks] == [3, 0]
    assert "currency" not in page.components


def test_a_statement_looks_as_agreed(golden: Golden) -> None:
    html = _html("statement.html", **statement_values(DOCUMENT))
    assert "<Data Science>" not in html
    golden.check("statement.html", html)


@pytest.mark.parametrize("document", [EMPTY, replace(DOCUMENT, history=DOCUMENT.history[-1:], closed=False)])
def test_a_statement_without_a_month_before_names_no_movers(document: Document) -> None:
    html = _html("statement.html", **statement_values(document))
    assert "Top movers" not in html
    assert ">open<" in html


AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, allow_infinity=False, places=6)


UNMETERED = Match("kubernetes", "unmetered", "i-<1>", "EKS", Decimal(0), Decimal(0), Decimal(0), 1, 0)


def _months() -> list[HeldMonth]:
    """A month before meters, and two with them."""
    rows = {"2026-08": ("0", "0"), "2026-09": ("-420.10", "-3234.56"), "2026-10": ("-20", "-410")}
    owned = (Ownerless("compute", "EC2", Decimal(48000), 9), Ownerless("kubernetes", "EKS", Decimal(30000), 9))
    return [
        held_month(
            replace(
                RESULT, period=Period.parse(period), ownership=owned,
                bridge=(*_bridge("compute", idle=idle), *_bridge("kubernetes", unmetered=unmetered)),
                matches=(replace(UNMETERED, amount=Decimal(unmetered)),),
            ),
            [("compute", "vm/core-hours"), ("kubernetes", "kubernetes/core-hours")],
        )
        for period, (idle, unmetered) in rows.items()
    ]  # fmt: skip


def test_the_page_of_the_held_share_looks_as_agreed(golden: Golden) -> None:
    html = _html("held.html", page=held_page(_months()))
    assert "i-&lt;1&gt;" in html
    assert "86.59 %" in html
    assert "0.48 %" in html
    golden.check("held.html", html)


def test_the_held_share_without_a_month_says_so() -> None:
    assert "No period was reconciled yet" in _html("held.html", page=held_page([]))


def test_the_picture_of_the_held_share_has_two_columns_a_month() -> None:
    chart = held_chart(_months())
    shown = [label.text for label in chart.labels]
    assert [text for text in shown if text.startswith("2026")] == ["2026-08", "2026-09", "2026-10"]
    assert len([label for label in chart.labels if label.kind == "value"]) == 6


@settings(deadline=None)
@given(st.lists(AMOUNTS, max_size=15))
def test_a_waterfall_ends_at_its_sum_within_its_picture(amounts: list[Decimal]) -> None:
    picture = waterfall([(str(number), amount) for number, amount in enumerate(amounts)], "deviation")
    assert picture.bars[-1].amount == sum(amounts)
    assert len(picture.bars) == sum(1 for amount in amounts if amount) + 1
    assert all(0 <= bar.x <= WIDTH and 0 < bar.width <= WIDTH + 2 for bar in picture.bars)
    steps = picture.bars[:-1]
    assert all(after.x in (before.end, after.end) for before, after in pairwise(steps))


@settings(deadline=None)
@given(st.text(max_size=300))
def test_no_text_in_slack_s_marks_becomes_markup(text: str) -> None:
    tags = {"<br>", "<strong>", "</strong>", "<code>", "</code>", "<blockquote>", "</blockquote>"}
    html = str(marked(text.replace("<http", "< http").replace("<@", "< @")))
    for tag in tags:
        html = html.replace(tag, "")
    assert "<" not in html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* `code`", "<strong>bold</strong> <code>code</code>"),
        ("<https://a.example/?a=1&amp;b=2|Page>", '<a href="https://a.example/?a=1&amp;b=2">Page</a>'),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
        ("<@U0BOB>", '<span class="mention">@U0BOB</span>'),
        ("&lt;!channel&gt;", "&lt;!channel&gt;"),
        ("> a\n> b\nc", "<blockquote>a</blockquote><blockquote>b</blockquote>c"),
    ],
)
def test_slack_s_marks_are_shown_as_slack_shows_them(text: str, html: str) -> None:
    assert str(marked(text)) == html


def test_a_card_on_the_page_has_all_its_figures() -> None:
    html = str(as_html(reconciliation_card(RECONCILIATION, "https://a.example").blocks))
    assert all(figure in html for figure in ("98,765.43 USD", "-1,234.57 USD", "321.00 USD", "+2,000.00 USD"))


def test_a_template_has_neither_scripts_nor_styles_of_its_own_nor_anything_from_elsewhere() -> None:
    for file in TEMPLATES.glob("*.html"):
        text = file.read_text()
        assert "<script" not in text
        assert "style=" not in text
        assert "http://" not in text
        assert "https://" not in text
        Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).parse(text)
