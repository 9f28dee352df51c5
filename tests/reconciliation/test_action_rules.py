"""Which resources a rule of detection.yaml is about, and which of them are machines of AWS."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.reconciliation.test_actions import DATABASE, MACHINE, NO_RULES
from twinledger.reconciliation import DetectionFile, Target, Ungranted, load_detection
from twinledger.reconciliation.targets import target_of
from twinledger.vocabulary.errors import InvalidConfigError

FOUND = Ungranted(
    product="vm", meter="core", resource=MACHINE, side="billed", pool="cluster", department="shop", provider="AWS",
    account="111122223333", region="eu-west-1", grant_id=None, first_day=date(2026, 10, 15), days=2, reason="no grant",
    amount=Decimal(100),
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({}, True),
        ({"products": ["vm"], "services": ["ec2"], "reasons": ["no grant"], "age_days": 7, "above": "99.99"}, True),
        ({"products": ["db"]}, False),
        ({"services": ["rds"]}, False),
        ({"reasons": ["larger", "after"]}, False),
        ({"age_days": 8}, False),
        ({"above": "100.00"}, False),
    ],
)
def test_all_conditions_of_a_rule_hold_or_it_does_not(given: dict[str, object], holds: bool) -> None:  # noqa: FBT001 - a row of the table
    (rule,) = DetectionFile.model_validate({"rules": [{"name": "r", "vendor": "aws", "then": "stop", **given}]}).rules
    assert rule.holds(FOUND, "ec2", 7) is holds


@pytest.mark.parametrize(
    ("changed", "arn"),
    [
        ({}, MACHINE),
        ({"resource": "i-0123456789abcdef0"}, MACHINE),
        ({"resource": "i-0123456789abcdef0", "region": "cn-north-1"},
         "arn:aws-cn:ec2:cn-north-1:111122223333:instance/i-0123456789abcdef0"),
        ({"resource": DATABASE}, DATABASE),
        ({"resource": "i-0123456789abcdef0", "region": None}, "its region"),
        ({"resource": "i-0123456789abcdef0", "account": "1"}, "its account"),
        ({"resource": "i-0123456789abcdef0/../x"}, "neither an instance"),
        ({"resource": "i-bp67acfmxazb4p000000"}, "neither an instance"),
        ({"resource": "arn:aws:s3:::bucket"}, "neither an instance"),
        ({"resource": "arn:aws:ec2:eu-west-1:111122223333:db:x"}, "neither an instance"),
        ({"account": "444455556666"}, "its bill is of account 444455556666"),
        ({"provider": "Alibaba Cloud"}, "it is of Alibaba Cloud"),
    ],
)  # fmt: skip
def test_only_a_name_that_aws_gives_is_a_machine(changed: dict[str, Any], arn: str) -> None:
    target = target_of(replace(FOUND, **changed))
    if isinstance(target, Target):
        assert target.arn == arn
    else:
        assert arn in target


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: [{name: a, vendor: gcp, then: tag}]", "vendor"),
        ("rules: [{name: a, vendor: aws, then: delete}]", "then"),
        ("rules: [{name: a, vendor: aws, then: tag}, {name: a, vendor: aws, then: stop}]", "stands there twice"),
        ("most: 0", "most"),
        ("rules: [{name: a, vendor: aws, then: tag, above: '-1'}]", "above"),
    ],
)
def test_a_file_that_says_something_else_is_refused_by_its_place(text: str, said: str, tmp_path: Path) -> None:
    assert load_detection(tmp_path) == NO_RULES
    (tmp_path / "detection.yaml").write_text(text)
    with pytest.raises(InvalidConfigError, match=said):
        load_detection(tmp_path)
