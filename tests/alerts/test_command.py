"""Alerts on the command line: what each command says and does."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests import commands
from tests.alerts.conftest import RULES, Desk, populate
from tests.alerts.made import anomaly, position, usd
from tests.lakes import EmptyLake
from twinledger.alerts import alert_list, evaluate_on
from twinledger.clock import FixedClock
from twinledger.outbox import entries
from twinledger.store import Store
from twinledger.store.models import AnomalyRow, Budget
from twinledger.vocabulary.settings import PREFIX, load_settings

run = partial(commands.run, "alerts")
said = partial(commands.said, "alerts")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_template: Path, empty_lake: EmptyLake) -> Desk:
    """A company on this machine whose ledgers are empty; the clock of commands is the machine's."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    config, home = tmp_path / "config", tmp_path / "home"
    config.mkdir()
    home.mkdir()
    (config / "alerts.yaml").write_text(RULES)
    (home / "store.db").write_bytes(sqlite_template.read_bytes())
    monkeypatch.setenv("TWINLEDGER_HOME", str(home))
    monkeypatch.setenv("TWINLEDGER_CONFIG", str(config))
    store = Store(f"sqlite:///{home / 'store.db'}")
    populate(store)
    settings = load_settings()
    empty_lake.copy_to(store, settings.warehouse).close()
    return Desk(settings, store, FixedClock(datetime.now(UTC)))


def _alert(desk: Desk, rule: str = "used") -> str:
    last_day = desk.clock.now().date() + timedelta(days=9)
    evaluate_on(desk, [position(1100, last_day=last_day)], [])
    return next(one.id for one in alert_list(desk) if one.rule == rule)


def test_alerts_are_listed_with_the_most_money_first(desk: Desk) -> None:
    _alert(desk)
    evaluate_on(desk, [position(1300, budget="other", title="Other")], [])
    assert [(one["subject"], one["impact"]) for one in said("list")][1:3] == [("other", "300.00"), ("shop", "100.00")]
    assert said("list", "--department", "none") == []
    assert "Shop, 2026-10" in run("list", "--state", "new").stdout


def test_deeds_are_done_and_shown_with_their_history(desk: Desk) -> None:
    alert = _alert(desk)
    assert "is acknowledged" in run("acknowledge", alert[:8], "--by", "bob").stdout
    run("comment", alert[:8], "--by", "ada", "--text", "[red]the sale[/]")
    run("assign", alert[:8], "--by", "ada", "--to", "hugo")
    until = (desk.clock.now() + timedelta(days=3)).strftime("%Y-%m-%d")
    assert said("snooze", alert[:8], "--by", "hugo", "--until", until)["state"] == "snoozed"
    shown = run("show", alert[:8]).stdout
    for part in (
        "used (used) of Shop, 2026-10: 100.00 USD",
        "snoozed by hugo",
        "[red]the sale[/]",
        "m5.large",
        "#shop",
    ):
        assert part in shown
    deeds = [one["action"] for one in said("show", alert)["history"]]
    assert deeds == ["alert.opened", "alert.acknowledge", "alert.comment", "alert.assign", "alert.snooze"]


def test_a_refusal_is_a_sentence_and_exit_code_2(desk: Desk) -> None:
    alert = _alert(desk)
    refused = run("acknowledge", alert, "--by", "eve")
    assert (refused.exit_code, "eve may not decide alert" in refused.stderr) == (2, True)
    assert run("show", "ffffff").exit_code == 2


def test_rules_are_said_in_sentences(desk: Desk) -> None:
    assert [one["rule"] for one in said("rules")] == ["used", "nearly", "unusual"]
    draft = Path("draft.yaml")
    draft.write_text("rules: [{name: all, kind: used, above_percent: '0'}]")
    assert [one["when"] for one in said("rules", "--rules", str(draft))] == [
        "spent and committed are above 0 % of the plan"
    ]
    draft.write_text("rule: []")
    refused = run("rules", "--rules", str(draft))
    assert (refused.exit_code, "rule: unknown key" in refused.stderr) == (2, True)
    assert entries(desk.store) == []


def _unusual(desk: Desk, start: datetime) -> None:
    one = anomaly(90, start=start)
    with desk.store.transaction() as session:
        session.add(
            AnomalyRow(
                id="a1", series=one.series, view=one.view, bucket="day", title=one.title, department=one.department,
                shape=one.shape, started_at=one.start, ended_at=one.end, actual=one.actual.amount,
                expected=one.expected.amount, currency="USD", causes=[], reason=one.reason, state="open", answer="",
                known_through=one.known_through, found_at=one.known_through,
            )
        )  # fmt: skip


def test_a_check_tells_once_and_a_dry_run_nobody(desk: Desk) -> None:
    start = desk.clock.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    _unusual(desk, start)
    found = said("check", "--dry-run", exit_code=1)
    assert [one["rule"] for one in found["opened"]] == ["unusual"]
    assert entries(desk.store) == []
    assert [one["kind"] for one in said("check", exit_code=1)["messages"]] == ["alert"]
    assert said("check")["messages"] == []
    assert "0 alerts opened" in run("check").stdout


def test_past_days_are_replayed_without_a_word_to_anybody(desk: Desk) -> None:
    _unusual(desk, datetime(2026, 10, 6, tzinfo=UTC))
    with desk.store.transaction() as session:
        session.add(Budget(department="shop", period="2026-10", amount=usd(100).amount, currency="USD"))
    found = said("test", "--from", "2026-10-06", "--to", "2026-10-08")
    sent = [(one["day"], what["channel"], what["what"]) for one in found["days"] for what in one["sent"]]
    assert sent == [("2026-10-07", "#shop", "alert")]
    assert (found["summary"]["messages"], found["summary"]["alerts"]) == (1, 1)
    assert (alert_list(desk), entries(desk.store)) == ([], [])
    assert "1 messages" in run("test", "--from", "2026-10-07", "--to", "2026-10-07").stdout


def test_a_department_that_there_is_not_is_said_and_other_rules_go_on(desk: Desk) -> None:
    rules = "rules: [{name: lost, kind: used, above_percent: '0', departments: [shop, shp]}]"
    (desk.settings.config / "alerts.yaml").write_text(rules)
    checked = run("check", "--dry-run")
    assert checked.exit_code == 0
    sentence = "rule lost names the department shp, which departments.yaml does not have"
    assert " ".join(checked.stderr.split()).count(sentence) == 1
    assert sentence in " ".join(run("test", "--from", "2026-10-07", "--to", "2026-10-07").stderr.split())
