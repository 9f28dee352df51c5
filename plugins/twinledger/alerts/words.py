"""Rules as sentences, for people who did not write them.

What belongs here: words. What does not: what a rule does (`signals`, `telling`).
"""

from __future__ import annotations

from collections.abc import Iterator

from twinledger.alerts.rules import AlertsFile, AnomalyRule, ForecastRule, PaceRule, Repeat, Rule, UsedRule


def in_words(file: AlertsFile) -> Iterator[tuple[str, str, str]]:
    """(name, when it holds, what follows) of each rule, for people."""
    for rule in file.rules:
        yield rule.name, f"{_when(rule)}{_where(rule)}", _then(rule)


def _when(rule: Rule) -> str:
    match rule:
        case UsedRule():
            return f"spent and committed are above {rule.above_percent:f} % of the plan"
        case ForecastRule():
            by = f"{rule.above_percent:f} %" + (f" and {rule.above_amount:f}" if rule.above_amount else "")
            return f"the span is {'surely ' if rule.surely else ''}expected to end more than {by} above its plan"
        case PaceRule():
            return f"spending is more than {rule.times:f} times as fast as the plan, from day {rule.after_day} on"
        case AnomalyRule():
            way = {"up": "more", "down": "less", "both": "more or less"}[rule.direction]
            return f"a series costs {way} than expected, by {rule.above_percent:f} % or more"


def _where(rule: Rule) -> str:
    subjects = rule.series if isinstance(rule, AnomalyRule) else rule.budgets
    money = "an impact" if isinstance(rule, AnomalyRule) else "a plan"
    parts = (
        f"of {', '.join(subjects)}" if subjects else "",
        f"in {', '.join(rule.departments)} and below" if rule.departments else "",
        {"internal": "in internal charges", "effective": "in what vendors charged", None: ""}[rule.view],
        f"with {money} of at least {rule.at_least:f}" if rule.at_least else "",
    )
    silent = () if isinstance(rule, AnomalyRule) else rule.unless
    said = ", ".join(part for part in parts if part)
    return "; ".join(("", *filter(None, (said, f"silent where {' or '.join(silent)} fires" if silent else ""))))


def _then(rule: Rule) -> str:
    told = {"at once": "told at once", "digest": "in the daily digest", "nobody": "recorded only"}[rule.tell]
    again = f"again when grown by {_grown(rule.repeat)}" if rule.repeat else ""
    hours = rule.escalate_after_hours
    up = f"one step up every {hours} h that nobody acknowledges it" if hours else ""
    return "; ".join(part for part in (told, again, up) if part)


def _grown(repeat: Repeat) -> str:
    percent = f"{repeat.percent:f} %" if repeat.percent else ""
    amount = f"{repeat.amount:f}" if repeat.amount else ""
    return " and ".join(part for part in (percent, amount) if part)
