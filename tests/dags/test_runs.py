"""Each DAG, run to its end over a small sample company."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from tests.dags.conftest import Play
from tests.signing.signed import sign_statements
from twinledger.approvals import Decision, Submission, decide, request_view, submit
from twinledger.books import Books
from twinledger.catalog import apply_config, load_config
from twinledger.closing import look
from twinledger.deployment import open_books, prepare
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.outbox import entries
from twinledger.sample import write_sample
from twinledger.store.models import PolicyRule
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

PERIOD = {"period": "2026-10"}
WISH = Submission(
    requester="judy",
    department="storefront",
    product="gpu",
    meter="card-hours",
    quantity=Decimal(8),
    days=2,
    region="us-east-1",
    justification="a *test*",
    actual=Decimal(0),
)


@pytest.fixture
def settings(airflow_home: Path) -> Settings:
    """The sample company's configuration, applied to books that the runs open by their environment."""
    write_sample(airflow_home / "company", 7, 1, 0.02, names=("aws", "azure", "stratus"))
    chosen = Settings().model_copy(
        update={"home": airflow_home / "twinledger", "config": airflow_home / "company" / "config"}
    )
    prepare(chosen)
    with open_books(chosen) as books:
        apply_config(books.store, load_config(chosen.config), books.clock)
    return chosen


def states(books: Books) -> Counter[tuple[str, str]]:
    return Counter((one.kind, one.state) for one in entries(books.store, limit=1000))


def test_the_daily_run_from_bills_to_messages(settings: Settings, play: Play) -> None:
    played = play(
        {"dag": "reconcile_ledgers", "conf": PERIOD},
        {"dag": "ingest_bills"},
        {"dag": "ingest_metering"},
        {"dag": "rate_usage", "conf": PERIOD},
        {"dag": "sum_ledgers", "conf": PERIOD},
        {"dag": "reconcile_ledgers", "conf": PERIOD},
        {"dag": "budget_variance", "conf": PERIOD},
        {"dag": "ingest_bills"},
        {"dag": "rate_usage", "conf": PERIOD},
        {"dag": "reconcile_ledgers", "conf": PERIOD},
        {"dag": "deliver_outbox"},
    )
    runs = played["runs"]
    assert [run["state"] for run in runs] == ["success"] * len(runs)
    early, bills, metering, rated, summed, reconciled, _, again, rated_again, reconciled_again, _ = (
        run["tasks"] for run in runs
    )
    assert early == {"bills_are_in": ["success"], "both_ledgers_have_it": ["success"], "reconcile": ["skipped"]}
    assert bills["ingest"] == ["success"] * 3
    assert metering["ingest"] == ["success"] * 5
    assert rated == {"rate": ["success"]}
    assert summed == {"sum_changed": ["success"]}
    assert reconciled == {
        "bills_are_in": ["success"],
        "both_ledgers_have_it": ["success"],
        "reconcile": ["success"],
    }
    assert again["publish"] == ["skipped"], "nothing new, no event"
    assert rated_again == {"rate": ["skipped"]}, "nothing changed, no event"
    assert reconciled_again["reconcile"] == ["skipped"], "nothing changed, nobody is told again"
    keys = [tuple(event) for event in played["events"]]
    assert keys.count(("external_ledger", "2026-10")) == 1
    assert keys.count(("usage", "2026-10")) == 1
    ledgers = ("internal_ledger", "ledger_sums", "bridge", "budget_position")
    assert [key for key in keys if key[0] in ledgers] == [(name, "2026-10") for name in ledgers]
    with open_books(settings) as books:
        told = states(books)
    assert told["reconciliation", "sent"] == 1
    assert not [kind for kind, state in told if state != "sent"]


def test_a_run_without_a_period_fails_and_its_operators_are_told(settings: Settings, play: Play) -> None:
    (run,) = play({"dag": "rate_usage"})["runs"]
    assert run == {"dag": "rate_usage", "state": "failed", "tasks": {"rate": ["failed"]}}
    with open_books(settings) as books:
        (told,) = entries(books.store)
    assert (told.kind, told.channel, told.facts["dag"]) == ("failure", "#twinledger-operators", "rate_usage")


def test_an_approval_that_is_decided_already_does_not_wait(settings: Settings, play: Play) -> None:
    with open_books(settings) as books:
        request = submit(books, WISH)
        decide(books, Decision(request, "ivan", "deny", "slack", "click-1", "not this month"))
    (run,) = play({"dag": "provisioning_approval", "conf": {"request": request}})["runs"]
    assert run["tasks"] == {"manager": ["skipped"], "budget_holder": ["success"], "finance": ["skipped"]}


def test_an_answer_on_airflows_page_decides_each_stage_and_one_by_somebody_else_is_asked_again(
    settings: Settings, play: Play
) -> None:
    with open_books(settings) as books:
        with books.store.transaction() as session:
            outcome = "ask budget holder then finance"
            session.add(PolicyRule(position=1, name="two", conditions={}, outcome=outcome, reason="two see more"))
        request = submit(books, WISH)
    answers = [
        ["judy", "Approve"],
        ["mallory", "Approve"],
        ["ivan", "Approve"],
        ["ivan", "Approve"],
        ["carol", "Approve"],
    ]
    (run,) = play({"dag": "provisioning_approval", "conf": {"request": request}, "answers": answers})["runs"]
    tasks = {"manager": ["skipped"], "budget_holder": ["success"], "finance": ["success"]}
    assert (run["state"], run["tasks"]) == ("success", tasks)
    with open_books(settings) as books, books.store.reading() as session:
        view = request_view(session, request)
    assert (view.state, view.decided_by, view.decided_on) == ("approved", "carol", "airflow")
    assert [one["by"] for one in view.stages] == ["ivan", "carol"]


def test_a_period_is_closed_when_finance_agrees_on_airflows_page(settings: Settings, play: Play) -> None:
    with open_books(settings) as books:
        sign_statements(books, Period(2026, 9))
    answers = [["erin", "Approve"], ["carol", "Approve"]]
    (run,) = play({"dag": "close_period", "conf": {"period": "2026-09"}, "answers": answers})["runs"]
    assert (run["state"], run["tasks"]) == ("success", {"ask": ["success"], "agree": ["success"]})
    with open_books(settings) as books:
        found = look(books, Period(2026, 9))
        frozen = books.lake.frozen(EXTERNAL_CHARGES)
    assert (found.state, found.asked_by, found.decided_by, found.decided_on) == (
        "closed", "close_period", "carol", "airflow",
    )  # fmt: skip
    assert "x_period=2026-09" in frozen


def test_anomalies_alerts_and_reviews_of_empty_books_run_to_their_end(settings: Settings, play: Play) -> None:
    played = play({"dag": "find_anomalies"}, {"dag": "tend_alerts"}, {"dag": "monthly_review", "conf": PERIOD})
    assert [run["state"] for run in played["runs"]] == ["success"] * 3
    assert [run["tasks"] for run in played["runs"]] == [
        {"find": ["success"], "tell": ["success"]},
        {"tend": ["success"]},
        {"send": ["success"], "remind": ["success"]},
    ]
    with open_books(settings) as books:
        assert {kind for kind, _ in states(books)} <= {"review", "company_review"}
