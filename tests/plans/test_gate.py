"""The gate: what grants cover, who draws what, and two who race for the last of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.plans.company import JULY, NOW, FakeDesk, write_company, write_grant
from tests.plans.plan_files import change, plan
from twinledger.clock import FixedClock
from twinledger.plans import Reading, Table, Verdict, covered_by_grants, estimate, gate, measure, sarif, submissions
from twinledger.plans.forms import CountConfig
from twinledger.store import Store
from twinledger.store.models import AuditEntry, GrantDraw
from twinledger.vocabulary.errors import InvalidWorkspaceError, UnknownNameError
from twinledger.vocabulary.money import Money, exact_sum
from twinledger.vocabulary.settings import Settings

TABLE = Table(
    (
        CountConfig.model_validate(
            {"meter": "vm/core-hours", "types": ["*"], "sizes": {"m5.large": "48", "m5.xlarge": "96"}}
        ),
    )
)
LARGE, XLARGE = {"instance_type": "m5.large"}, {"instance_type": "m5.xlarge"}


ONE_DATABASE = pytest.mark.parametrize("backend", ["sqlite"])
"""For what no database could do otherwise."""


def read(*changes: dict[str, Any], account: str | None = None) -> Reading:
    return measure(plan(*changes), TABLE, account=account)


def judge(desk: FakeDesk, *changes: dict[str, Any], workspace: str = "shop", dry_run: bool = False) -> Verdict:
    return gate(desk, read(*changes), departments=["shop"], workspace=workspace, who="ci", dry_run=dry_run)


def draws(desk: FakeDesk) -> list[tuple[str, str, str, Decimal]]:
    with desk.store.reading() as session:
        rows = session.scalars(select(GrantDraw).order_by(GrantDraw.grant, GrantDraw.workspace, GrantDraw.address))
        return [(row.grant, row.workspace, row.address, row.quantity) for row in rows]


def deeds(desk: FakeDesk) -> list[tuple[str, str, str]]:
    with desk.store.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))
        return [(row.who, row.action, row.subject) for row in rows]


def test_a_covered_plan_is_drawn_once_however_often_it_is_judged(desk: FakeDesk) -> None:
    write_grant(desk.store, "g", 96)
    made = [change("aws_instance.a", LARGE), change("aws_instance.b", LARGE)]
    first, second = judge(desk, *made), judge(desk, *made)

    assert (first.passed, first.drawn, second.passed) == (True, True, True)
    assert draws(desk) == [
        ("g", "shop", "aws_instance.a", Decimal(48)), ("g", "shop", "aws_instance.b", Decimal(48)),
    ]  # fmt: skip
    assert deeds(desk) == [("ci", "plan.gate", "shop")] * 2


def test_nothing_is_drawn_where_something_is_not_covered_and_it_is_said_what_would_cover_it(desk: FakeDesk) -> None:
    write_grant(desk.store, "g", 96)
    verdict = judge(desk, change("aws_instance.a", LARGE), change("aws_instance.b", XLARGE), change("aws_lb.c", {}))

    assert (verdict.passed, verdict.drawn, draws(desk)) == (False, False, [])
    assert deeds(desk) == [("ci", "plan.gate.refused", "shop")]
    assert [(one.address, one.rule) for one in verdict.uncovered] == [
        ("aws_instance.a", "uncovered-resource"), ("aws_lb.c", "uncounted-resource"),
    ]  # fmt: skip
    assert "g has 0 of 96 a day left" in verdict.uncovered[0].reason
    assert verdict.uncovered[0].remedy == (
        "twinledger request submit --department shop --product vm --meter core-hours --quantity 48 --days 30 "
        "--region us-east-1 --why aws_instance.a"
    )


def test_a_dry_run_says_the_same_and_leaves_nothing(desk: FakeDesk) -> None:
    write_grant(desk.store, "g", 48)
    verdict = judge(desk, change("aws_instance.a", LARGE), dry_run=True)

    assert (verdict.passed, verdict.drawn, draws(desk), deeds(desk)) == (True, False, [], [])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"region": "eu-west-1"}, "g is for region eu-west-1"),
        ({"account": "42"}, "g is for account 42, not an unknown one"),
        ({"resources": [{"type": "aws_instance", "size": "m5.xlarge", "quantity": "96"}]}, "g names no aws_instance"),
        ({"resources": [{"type": "aws_instance", "size": "m5.large", "quantity": "24"}]}, "g has 24 of 24 a day left"),
        ({"department": "lab"}, "no live grant of vm/core-hours"),
        ({"ends_at": NOW}, "no live grant"),
        ({"starts_at": NOW + timedelta(seconds=1)}, "no live grant"),
        ({"revoked_at": JULY}, "no live grant"),
        ({"meter": "gib-hours"}, "no live grant"),
    ],
)  # fmt: skip
@ONE_DATABASE
def test_a_grant_covers_only_what_it_is_bounded_to(desk: FakeDesk, values: dict[str, Any], said: str) -> None:
    write_grant(desk.store, "g", 96, **values)

    (found,) = judge(desk, change("aws_instance.a", LARGE)).uncovered
    assert said in found.reason


def test_what_is_destroyed_gives_back_for_the_same_plan_and_others(desk: FakeDesk) -> None:
    write_grant(desk.store, "g", 48)
    judge(desk, change("aws_instance.a", LARGE))
    verdict = judge(desk, change("aws_instance.a", None, LARGE), change("aws_instance.b", LARGE))

    assert (verdict.passed, verdict.given_back) == (True, ("aws_instance.a",))
    assert draws(desk) == [("g", "shop", "aws_instance.b", Decimal(48))]


def test_an_enlarged_resource_draws_its_new_size_from_one_grant_and_a_reduced_one_gives_the_rest_back(
    desk: FakeDesk,
) -> None:
    write_grant(desk.store, "small", 48)
    write_grant(desk.store, "wide", 96)
    judge(desk, change("aws_instance.a", LARGE))
    assert draws(desk) == [("small", "shop", "aws_instance.a", Decimal(48))]

    judge(desk, change("aws_instance.a", XLARGE, LARGE))
    assert draws(desk) == [("wide", "shop", "aws_instance.a", Decimal(96))]

    judge(desk, change("aws_instance.a", LARGE, XLARGE))
    assert draws(desk) == [("wide", "shop", "aws_instance.a", Decimal(48))]


def test_a_moved_resource_takes_its_draw_with_it(desk: FakeDesk) -> None:
    write_grant(desk.store, "g", 48)
    judge(desk, change("aws_instance.a", LARGE))
    moved = change("aws_instance.b", LARGE, LARGE, actions=("no-op",), previous_address="aws_instance.a")
    assert judge(desk, moved).passed

    assert draws(desk) == [("g", "shop", "aws_instance.b", Decimal(48))]


@ONE_DATABASE
def test_the_same_address_of_another_workspace_is_another_resource(desk: FakeDesk) -> None:
    write_grant(desk.store, "g", 48)
    assert judge(desk, change("aws_instance.a", LARGE)).passed
    assert not judge(desk, change("aws_instance.a", LARGE), workspace="shop/staging").passed


@ONE_DATABASE
def test_a_grant_that_names_the_resource_is_drawn_before_one_that_names_none(desk: FakeDesk) -> None:
    named = [{"type": "aws_instance", "size": "m5.large", "count": 1, "quantity": "48"}]
    write_grant(desk.store, "any", 48)
    write_grant(desk.store, "named", 960, resources=named)
    judge(desk, change("aws_instance.a", LARGE), change("aws_instance.b", LARGE))

    assert [row[:3] for row in draws(desk)] == [
        ("any", "shop", "aws_instance.b"), ("named", "shop", "aws_instance.a"),
    ]  # fmt: skip


@ONE_DATABASE
def test_unknown_departments_and_workspaces_that_cannot_be_kept_are_refused(desk: FakeDesk) -> None:
    reading = read(change("aws_instance.a", LARGE))
    with pytest.raises(UnknownNameError, match="no department named 'nobody'"):
        gate(desk, reading, departments=["shop", "nobody"], workspace="w", who="ci")
    with pytest.raises(InvalidWorkspaceError, match="workspace '': expected a name"):
        gate(desk, reading, departments=["shop"], workspace="", who="ci")


@pytest.mark.parametrize("backend", ["postgresql"])
def test_of_plans_that_race_for_the_last_of_a_grant_one_has_it(desk: FakeDesk) -> None:
    write_grant(desk.store, "g", 48)
    start, passed = threading.Barrier(6), []

    def run(number: int) -> None:
        reading = read(change("aws_instance.a", LARGE))
        start.wait()
        verdict = gate(desk, reading, departments=["shop"], workspace=f"w{number}", who="ci")
        passed.append(verdict.passed)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(passed) == [False] * 5 + [True]
    assert len(draws(desk)) == 1


_Plans = list[list[tuple[str, dict[str, str] | None]]]
_PLANS = st.lists(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([LARGE, XLARGE, None])),
        max_size=3,
        unique_by=lambda one: one[0],
    ),
    max_size=5,
)


@ONE_DATABASE
@given(plans=_PLANS, quantities=st.lists(st.sampled_from([48, 96, 144]), max_size=3))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_series_of_plans_draws_more_than_was_granted(
    store: Store,
    clock: FixedClock,
    empty: Callable[[Store], None],
    plans: _Plans,
    quantities: list[int],
) -> None:
    empty(store)
    write_company(store)
    desk = FakeDesk(Settings(), store, clock)
    for number, quantity in enumerate(quantities):
        write_grant(store, f"g{number}", quantity)
    for made in plans:
        changes = [change(f"aws_instance.{name}", after, None if after else LARGE) for name, after in made]
        before = draws(desk)
        verdict = judge(desk, *changes)
        present = draws(desk)
        assert verdict.passed or present == before
        for number, quantity in enumerate(quantities):
            assert exact_sum(row[3] for row in present if row[0] == f"g{number}") <= quantity
        if verdict.passed:
            drawn = {row[2] for row in present}
            assert all((f"aws_instance.{name}" in drawn) == (after is not None) for name, after in made)


# --- estimates, what to ask for, and SARIF -----------------------------------------------------


@ONE_DATABASE
def test_an_estimate_multiplies_what_counts_by_the_price_that_the_department_pays(desk: FakeDesk) -> None:
    pool = {"instance_types": ["m5.large"], "scaling_config": [{"desired_size": 2}]}
    reading = read(
        change("aws_eks_node_group.n", pool), change("aws_instance.a", XLARGE, LARGE), change("aws_lb.c", {})
    )
    with desk.store.reading() as session:
        shop, lab = (estimate(session, reading, name, NOW) for name in ("shop", "lab"))

    assert [(one.use.how, one.a_day, one.a_month, one.added_a_month) for one in shop.lines] == [
        ("2 x 48", Money(Decimal("4.80"), "USD"), Money(Decimal(144), "USD"), Money(Decimal(144), "USD")),
        ("1 x 96", Money(Decimal("4.80"), "USD"), Money(Decimal(144), "USD"), Money(Decimal(72), "USD")),
    ]
    assert [(one.a_month.amount, one.added_a_month.amount) for one in shop.totals] == [(Decimal(288), Decimal(216))]
    assert [(one.price.agreed_with, one.a_month.amount) for one in lab.lines] == [("lab", Decimal("115.2"))] * 2
    assert [one.address for one in shop.unmeasured] == ["aws_lb.c"]
    with desk.store.reading() as session, pytest.raises(UnknownNameError):
        estimate(session, reading, "nobody", NOW)


def test_one_submission_is_made_for_each_meter_region_and_account_with_its_resources() -> None:
    reading = read(
        change("aws_instance.a[0]", LARGE), change("aws_instance.a[1]", LARGE), change("aws_instance.b", XLARGE),
        change("aws_instance.c", {**LARGE, "availability_zone": "eu-west-1a"}), account="42",
    )  # fmt: skip
    made = submissions(reading, requester="ada", department="shop", days=9, justification="season", actual=Decimal(7))

    assert [(one.region, one.quantity, one.account, one.days) for one in made] == [
        ("eu-west-1", Decimal(48), "42", 9), ("us-east-1", Decimal(192), "42", 9),
    ]  # fmt: skip
    assert made[1].resources == (
        {"type": "aws_instance", "size": "m5.large", "count": 2, "quantity": "96"},
        {"type": "aws_instance", "size": "m5.xlarge", "count": 1, "quantity": "96"},
    )


@ONE_DATABASE
def test_what_was_asked_for_and_granted_covers_the_plan_that_it_was_asked_for(desk: FakeDesk) -> None:
    changes = [change("aws_instance.a[0]", LARGE), change("aws_instance.a[1]", LARGE), change("aws_instance.b", XLARGE)]
    (made,) = submissions(
        read(*changes), requester="ada", department="shop", days=9, justification="x", actual=Decimal(0)
    )
    write_grant(desk.store, "g", int(made.quantity), resources=json.loads(json.dumps(made.resources)))

    assert judge(desk, *changes).passed


@ONE_DATABASE
def test_only_what_no_grant_covers_is_asked_for_and_nothing_is_drawn(desk: FakeDesk) -> None:
    write_grant(desk.store, "g", 144)
    write_grant(desk.store, "elsewhere", 480, region="eu-west-1")
    changes = [change("aws_instance.a", LARGE), change("aws_instance.b", LARGE), change("aws_instance.c", XLARGE)]
    covered = covered_by_grants(desk, read(*changes), department="shop")
    (made,) = submissions(
        read(*changes),
        requester="ada",
        department="shop",
        days=9,
        justification="x",
        actual=Decimal(0),
        covered=covered,
    )

    assert [(one.resource.address, one.grant) for one in covered] == [("aws_instance.a", "g"), ("aws_instance.c", "g")]
    assert (made.quantity, made.resources[0]["count"]) == (Decimal(48), 1)
    assert draws(desk) == []
    write_grant(desk.store, "rest", int(made.quantity), resources=json.loads(json.dumps(made.resources)))
    assert judge(desk, *changes).passed
    assert covered_by_grants(desk, read(*changes), department="shop") == (), (
        "all of it is drawn, by a state of some name"
    )
    assert len(covered_by_grants(desk, read(*changes), department="shop", workspace="shop")) == 3
    with pytest.raises(UnknownNameError):
        covered_by_grants(desk, read(*changes), department="nobody")


@ONE_DATABASE
def test_sarif_has_the_shape_that_its_schema_requires(desk: FakeDesk, tmp_path: Path) -> None:
    verdict = judge(desk, change("aws_instance.web[0]", LARGE), change("aws_lb.c", {}))
    (tmp_path / "main.tf").write_text('# web\nresource "aws_instance" "web" {\n}\n')
    bare, placed = sarif(verdict), sarif(verdict, tmp_path / "main.tf")

    _check_sarif(bare)
    _check_sarif(placed)
    results = placed["runs"][0]["results"]
    assert [(one["ruleId"], one["locations"][0]["physicalLocation"]["region"]) for one in results] == [
        ("uncovered-resource", {"startLine": 2}), ("uncounted-resource", {"startLine": 1}),
    ]  # fmt: skip
    assert all("physicalLocation" not in one["locations"][0] for one in bare["runs"][0]["results"])
    assert sarif(replace(verdict, uncovered=()))["runs"][0]["results"] == []


def _check_sarif(log: dict[str, Any]) -> None:
    """What SARIF 2.1.0 requires of what is used of it."""
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(set(rules)) == len(rules)
    for result in _results(run):
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        assert location["logicalLocations"][0]["fullyQualifiedName"]
        if physical := location.get("physicalLocation"):
            assert physical["artifactLocation"]["uri"]
            assert physical["region"]["startLine"] >= 1


def _results(run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    assert run["results"]
    yield from run["results"]
