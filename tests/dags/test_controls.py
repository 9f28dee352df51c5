"""The DAGs of control totals and of replays, run to their end over one small bill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.bills.bill_files import focus_csv, write_file
from tests.dags.conftest import Play
from twinledger.bills import ingest_source, quarantined
from twinledger.catalog import apply_config, load_config
from twinledger.controls import recorded
from twinledger.deployment import open_books, prepare
from twinledger.vocabulary.settings import Settings

ENTRY = "{{name: acme, kind: bill, format: focus_1_2, place: ../bills, slice: period, account: {account}, {option}}}"
OPTION = "options: {cost_explorer: {}}"


@pytest.fixture
def settings(airflow_home: Path) -> Settings:
    """One source whose only delivery is of another account, and so refused."""
    chosen = Settings().model_copy(
        update={"home": airflow_home / "twinledger", "config": airflow_home / "company" / "config"}
    )
    prepare(chosen)
    write_file(airflow_home, "company/bills/2026-10/bill.csv", focus_csv([{}]))
    configure(chosen, "999")
    with open_books(chosen) as books:
        assert [outcome.state for outcome in ingest_source(books, "acme")] == ["quarantined"]
    return chosen


def configure(chosen: Settings, account: str) -> None:
    entry = ENTRY.format(account=f'"{account}"', option=OPTION)
    write_file(chosen.config, "sources.yaml", f"sources:\n  - {entry}\n".encode())
    with open_books(chosen) as books:
        apply_config(books.store, load_config(chosen.config), books.clock)


@pytest.fixture
def cost_explorer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of Cost Explorer's protocol on loopback, whose answer is a month of 5.00 USD."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    monkeypatch.setenv("AWS_ENDPOINT_URL_COST_EXPLORER", url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    cost = {"UnblendedCost": {"Amount": "5.00", "Unit": "USD"}}
    month = {"TimePeriod": {"Start": "2026-09-01", "End": "2026-10-01"}, "Estimated": False}
    answers = [
        {"ResultsByTime": [month | {"Total": {}, "Groups": [{"Keys": ["11"], "Metrics": cost}]}]},
        {"ResultsByTime": [month | {"Total": cost, "Groups": []}]},
    ]
    results = {"results": [answer | {"DimensionValueAttributes": []} for answer in answers]}
    httpx.post(f"{url}/moto-api/static/ce/cost-and-usage-results", json=results, trust_env=False).raise_for_status()
    yield
    server.stop()


@pytest.mark.usefixtures("cost_explorer")
def test_totals_are_asked_for_and_refused_deliveries_taken_again(settings: Settings, play: Play) -> None:
    first = play({"dag": "check_control_totals"}, {"dag": "replay_quarantined", "conf": {"source": "acme"}})
    totals, refused_again = (run["tasks"] for run in first["runs"])
    assert totals == {
        "asked": ["success"], "fetch": ["success"], "publish": ["success"], "every_source": ["success"],
    }  # fmt: skip
    assert refused_again == {"replay": ["skipped"]}
    assert [tuple(event) for event in first["events"]] == [("control_totals", "2026-09")]
    with open_books(settings) as books, books.store.reading() as session:
        assert [str(one) for one in recorded(session, "2026-09")] == ["cost-explorer 11: AWS 999 2026-09 USD"]
    configure(settings, "acc")
    second = play(
        {"dag": "replay_quarantined", "conf": {"source": "acme"}},
        {"dag": "replay_quarantined", "conf": {"delivery": "nobody"}},
    )
    taken, unknown = second["runs"]
    assert (taken["state"], taken["tasks"]) == ("success", {"replay": ["success"]})
    assert (unknown["state"], unknown["tasks"]) == ("failed", {"replay": ["failed"]})
    assert ("external_ledger", "2026-10") in [tuple(event) for event in second["events"]]
    with open_books(settings) as books:
        assert quarantined(books) == []
