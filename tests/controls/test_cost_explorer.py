"""Cost Explorer through boto3: from a server of its protocol on loopback, page by page, and no digit lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from twinledger.books import Books
from twinledger.cloud.cost_explorer import CostExplorer, open_cost_explorer
from twinledger.controls import (
    StatedMonth,
    asked_source,
    asked_sources,
    record_provider_totals,
    recorded,
)
from twinledger.store.models import Source
from twinledger.vocabulary.errors import InvalidConfigError, StatedTotalError, UnknownNameError, UnreachableError
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import ROOT

SEPTEMBER, OCTOBER = Period(2026, 9), Period(2026, 10)


def cost(amount: str) -> dict[str, dict[str, str]]:
    return {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}


def month(start: str, total: str = "", *, estimated: bool = False, **accounts: str) -> dict[str, Any]:
    return {
        "TimePeriod": {"Start": start, "End": "later"},
        "Total": cost(total) if total else {},
        "Groups": [{"Keys": [name.removeprefix("a")], "Metrics": cost(amount)} for name, amount in accounts.items()],
        "Estimated": estimated,
    }


@dataclass
class FakeCostExplorer:
    """Answers page by page, remembering what it was asked."""

    pages: list[dict[str, Any]]
    asked: list[dict[str, Any]] = field(default_factory=list)

    def get_cost_and_usage(self, **asked: object) -> Mapping[str, Any]:
        self.asked.append(asked)
        return self.pages.pop(0)


def test_every_page_is_asked_for_and_no_digit_is_lost() -> None:
    client = FakeCostExplorer([
        {"ResultsByTime": [month("2026-09-01", a1="0.1")], "NextPageToken": "more"},
        {"ResultsByTime": [month("2026-09-01", a2="12345678901.0000000003")]},
        {"ResultsByTime": [month("2026-09-01", "12345678901.1000000003"), month("2026-10-01", "5", estimated=True)]},
    ])  # fmt: skip
    found = CostExplorer(client).months(SEPTEMBER, OCTOBER)
    assert [(one.period, one.total, one.is_estimated) for one in found] == [
        (SEPTEMBER, Decimal("12345678901.1000000003"), False), (OCTOBER, Decimal(5), True),
    ]  # fmt: skip
    assert found[0].accounts == {"1": Decimal("0.1"), "2": Decimal("12345678901.0000000003")}
    assert client.asked[0]["TimePeriod"] == {"Start": "2026-09-01", "End": "2026-11-01"}
    assert [one.get("NextPageToken") for one in client.asked] == [None, "more", None]
    assert [bool(one.get("GroupBy")) for one in client.asked] == [True, True, False]


class Refusing:
    """An account whose credentials may not."""

    def get_cost_and_usage(self, **asked: object) -> Mapping[str, Any]:
        del asked
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "secret"}}, "GetCostAndUsage")


def test_a_refusal_is_named_without_what_the_server_repeats() -> None:
    with pytest.raises(UnreachableError, match=r"AWS answers AccessDeniedException") as refused:
        CostExplorer(Refusing()).months(SEPTEMBER, OCTOBER)
    assert "secret" not in str(refused.value)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL_COST_EXPLORER": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)
    yield f"http://127.0.0.1:{port}"
    server.stop()


def test_totals_come_from_a_real_client_and_server(server: str) -> None:
    answers = [
        {"ResultsByTime": [month("2026-09-01", a111="0.0101516483", a222="2")], "DimensionValueAttributes": []},
        {"ResultsByTime": [month("2026-09-01", "2.0101516483")], "DimensionValueAttributes": []},
    ]
    url = f"{server}/moto-api/static/ce/cost-and-usage-results"
    httpx.post(url, json={"results": answers}, trust_env=False).raise_for_status()
    (found,) = open_cost_explorer("UnblendedCost").months(SEPTEMBER, SEPTEMBER)
    assert found == StatedMonth(
        SEPTEMBER,
        "USD",
        Decimal("2.0101516483"),
        {"111": Decimal("0.0101516483"), "222": Decimal(2)},
        is_estimated=False,
    )


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(UnreachableError, match="nobody"):
        open_cost_explorer("UnblendedCost", "nobody")


def test_the_policy_permits_the_one_action_that_is_used() -> None:
    policy = json.loads((ROOT / "docs" / "policies" / "cost-explorer.json").read_text())
    (statement,) = policy["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", ["ce:GetCostAndUsage"])


# --- recording what is answered ------------------------------------------------------------------


@dataclass
class FakeProvider:
    """A provider whose answers are given."""

    answers: list[StatedMonth]
    asked: list[tuple[Period, Period]] = field(default_factory=list)

    def months(self, first: Period, last: Period) -> list[StatedMonth]:
        self.asked.append((first, last))
        return self.answers


def source(books: Books, **options: object) -> None:
    row = Source(
        name="aws", kind="bill", format="aws_cur_legacy", place="x", slice="period", account="999", currency="USD",
        options={"cost_explorer": options},
    )  # fmt: skip
    with books.store.transaction() as session:
        session.add(row)


def stated(total: str, *, estimated: bool = False, **accounts: str) -> StatedMonth:
    parts = {name: Decimal(amount) for name, amount in accounts.items()}
    return StatedMonth(SEPTEMBER, "USD", Decimal(total), parts, estimated)


def test_what_is_final_is_recorded_by_linked_account_and_again_changes_nothing(books: Books) -> None:
    source(books)
    provider = FakeProvider([stated("3", a="1", b="2")])
    done = record_provider_totals(books, asked_source(books, "aws"), provider, "test")
    assert provider.asked == [(Period(2026, 7), OCTOBER)]
    assert done.periods == ("2026-09",)
    assert record_provider_totals(books, asked_source(books, "aws"), provider, "test").periods == ()
    with books.store.reading() as session:
        found = [(one.provider, one.account, one.document, one.amount) for one in recorded(session, "2026-09")]
    assert found == [("AWS", "999", "a", Decimal(1)), ("AWS", "999", "b", Decimal(2))]


def test_an_estimate_is_no_control_total(books: Books) -> None:
    source(books)
    provider = FakeProvider([stated("3", estimated=True, a="3")])
    assert record_provider_totals(books, asked_source(books, "aws"), provider, "test").new == ()


def test_parts_that_do_not_add_up_are_refused_and_a_rounding_of_the_provider_is_not(books: Books) -> None:
    source(books)
    rounded = FakeProvider([stated("3.0000000001", a="3")])
    assert record_provider_totals(books, asked_source(books, "aws"), rounded, "test").new
    with pytest.raises(StatedTotalError, match=r"the total is 3\.00 USD, its parts add up to 2\.00"):
        record_provider_totals(books, asked_source(books, "aws"), FakeProvider([stated("3", a="2")]), "test")


@pytest.mark.parametrize("options", [{"metric": "BlendedCost"}, {"metrik": "UnblendedCost"}])
def test_an_option_of_another_form_is_refused_by_name(books: Books, options: dict[str, str]) -> None:
    source(books, **options)
    with books.store.reading() as session, pytest.raises(InvalidConfigError, match=r"aws\.options\.cost_explorer"):
        asked_sources(session)


def test_a_source_that_asks_nobody_is_named(books: Books) -> None:
    with pytest.raises(UnknownNameError, match=r"source with options\.cost_explorer named 'azure'"):
        asked_source(books, "azure")
