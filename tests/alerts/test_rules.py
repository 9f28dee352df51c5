"""The form of alerts.yaml, and what it says in words."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from twinledger.alerts import in_words, load_rules
from twinledger.vocabulary.errors import InvalidConfigError

CONFIG = Path(__file__).parents[2] / "config"

GIVEN = """
quiet: {from: 20:00, to: "07:30", weekends: false}
digest_at: "08:15"
rules:
  - {name: used, kind: used, above_percent: 90, departments: [shop], view: internal, repeat: {percent: 5, amount: 100}}
  - {name: ends-above, kind: forecast, above_percent: "5", above_amount: "250.00", surely: true, tell: digest}
  - {name: fast, kind: pace, times: "1.5", at_least: "1000", tell: nobody}
  - {name: unusual, kind: anomaly, direction: down, above_percent: 30, series: [shop], escalate_after_hours: 9}
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "alerts.yaml"
    path.write_text(text)
    return path


def test_the_examples_rules_are_those_that_hold_without_a_file(tmp_path: Path) -> None:
    assert load_rules(CONFIG) == load_rules(tmp_path)


def test_times_may_be_given_without_quotes(tmp_path: Path) -> None:
    file = load_rules(_file(tmp_path, GIVEN))
    hours = file.hours("UTC")
    assert (hours.quiet_from, hours.quiet_to, hours.digest_at) == (time(20), time(7, 30), time(8, 15))


def test_rules_are_said_in_words(tmp_path: Path) -> None:
    said = [f"{name}: {when} -> {then}" for name, when, then in in_words(load_rules(_file(tmp_path, GIVEN)))]
    assert said == [
        (
            "used: spent and committed are above 90 % of the plan; in shop and below, in internal charges -> "
            "told at once; again when grown by 5 % and 100"
        ),
        "ends-above: the span is surely expected to end more than 5 % and 250.00 above its plan -> in the daily digest",
        (
            "fast: spending is more than 1.5 times as fast as the plan, from day 3 on; with a plan of at least 1000 -> "
            "recorded only"
        ),
        (
            "unusual: a series costs less than expected, by 30 % or more; of shop -> "
            "told at once; one step up every 9 h that nobody acknowledges it"
        ),
    ]


def test_what_a_rule_is_silent_for_is_said_in_words(tmp_path: Path) -> None:
    words = {name: when for name, when, _ in in_words(load_rules(tmp_path))}
    assert words["spends-too-fast"].endswith("at least 100; silent where plan-used or ends-above-plan fires")
    assert words["plan-nearly-used"].endswith("of the plan; silent where plan-used fires")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: [{name: a, kind: used, above_percent: 80, threshold: 3}]", r"threshold: unknown key"),
        ("rules: [{name: a, kind: spent, above_percent: 80}]", "'used', 'forecast', 'pace', 'anomaly'"),
        ("rules: [{name: a, kind: used}]", "above_percent: Field required"),
        ("rules: [{name: a, kind: used, above_percent: 80.5}]", "expected a decimal in quotes"),
        ("rules: [{name: a, kind: used, above_percent: 80, repeat: {}}]", "expected a percent above 0, or an amount"),
        ("rules: [{name: a, kind: pace, times: 0}]", "greater than 0"),
        ("quiet: {from: '20:00', to: '10:00'}", "digest_at 09:00 is within quiet hours"),
        ("quiet: {start: '20:00'}", "start: unknown key"),
        (
            "rules: [{name: a, kind: used, above_percent: 80, unless: [b]}]",
            "'b': expected the name of a rule of budgets above it",
        ),
        (
            "rules: [{name: a, kind: used, above_percent: 1, unless: [b]}, {name: b, kind: used, above_percent: 2}]",
            "'b': expected the name of a rule of budgets above it",
        ),
        ("digest_at: 9.5", "expected a time of the day"),
        ("storm: {most: 0}", "greater than or equal to 1"),
        (
            "rules: [{name: a, kind: used, above_percent: 1}, {name: a, kind: used, above_percent: 2}]",
            "'a' stands there twice",
        ),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidConfigError, match=said) as refused:
        load_rules(_file(tmp_path, text))
    assert "alerts.yaml" in str(refused.value)


def test_without_quiet_hours_it_is_never_quiet(tmp_path: Path) -> None:
    assert not load_rules(_file(tmp_path, "quiet: null")).hours("UTC").is_quiet_time(time(3))
