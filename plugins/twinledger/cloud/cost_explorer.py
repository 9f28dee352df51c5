"""AWS Cost Explorer: what AWS itself says that a payer account was charged.

What belongs here: its API, paged, with amounts as the digits that it gives. What does not: what is
recorded of them (`controls`). Every request costs 0.01 USD; one look asks for a few.

Source: API reference of AWS Cost Explorer, GetCostAndUsage. The endpoint is in us-east-1 for all of the
commercial partition. Credentials, proxies and endpoint (AWS_ENDPOINT_URL_COST_EXPLORER) are those of
boto3's chain; docs/policies/cost-explorer.json is all that they have to permit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from twinledger.controls import StatedMonth
from twinledger.vocabulary.errors import InvalidAmountError, UnreachableError
from twinledger.vocabulary.money import parse_amount, round_to
from twinledger.vocabulary.periods import Period

REGION = "us-east-1"
_FINEST = Decimal(1).scaleb(-18)


class CostClient(Protocol):
    """The one operation that is used of boto3's client."""

    def get_cost_and_usage(self, **asked: Any) -> Mapping[str, Any]:  # noqa: ANN401 - boto3's own shapes
        """One page of an answer."""
        ...


class _Amount(NamedTuple):
    digits: Decimal
    currency: str


class CostExplorer:
    """Totals by month of one payer account, in all and by linked account."""

    def __init__(self, client: CostClient, metric: str = "UnblendedCost") -> None:
        """Open; `metric` is UnblendedCost, or NetUnblendedCost where the account has private discounts."""
        self._client = client
        self._metric = metric

    def months(self, first: Period, last: Period) -> Sequence[StatedMonth]:
        """The totals of the months from first to last, both included; months without any cost are left out.

        Raises:
            UnreachableError: AWS does not answer, or refuses.
        """
        parts: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(dict)
        for month in self._pages(first, last, [{"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"}]):
            for group in month.get("Groups", []):
                amount = self._amount(group.get("Metrics", {}))
                if amount is not None:
                    parts[_name(month), amount.currency][str(group["Keys"][0])] = amount.digits
        return [stated for month in self._pages(first, last, []) for stated in self._stated(month, parts)]

    def _stated(
        self, month: Mapping[str, Any], parts: Mapping[tuple[str, str], Mapping[str, Decimal]]
    ) -> Iterator[StatedMonth]:
        amount = self._amount(month.get("Total", {}))
        if amount is None:
            return
        accounts = parts.get((_name(month), amount.currency), {})
        estimated = bool(month.get("Estimated", True))
        yield StatedMonth(Period.parse(_name(month)), amount.currency, amount.digits, accounts, estimated)

    def _pages(self, first: Period, last: Period, group_by: list[dict[str, str]]) -> Iterator[Mapping[str, Any]]:
        """The months of every page; the end of a time period is exclusive."""
        span = {"Start": first.first_day.isoformat(), "End": last.shift(1).first_day.isoformat()}
        asked: dict[str, Any] = {"TimePeriod": span, "Granularity": "MONTHLY", "Metrics": [self._metric]}
        if group_by:
            asked["GroupBy"] = group_by
        while True:
            try:
                page = self._client.get_cost_and_usage(**asked)
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "unknown")
                raise UnreachableError("Cost Explorer", f"AWS answers {code}") from error
            except BotoCoreError as error:
                raise UnreachableError("Cost Explorer", type(error).__name__) from error
            yield from page.get("ResultsByTime", [])
            token = page.get("NextPageToken")
            if not token:
                return
            asked["NextPageToken"] = token

    def _amount(self, metrics: Mapping[str, Mapping[str, str]]) -> _Amount | None:
        """A metric's amount, a decimal string: AWS gives more digits than the ledger has now and then."""
        said = metrics.get(self._metric)
        if said is None:
            return None
        try:
            digits = parse_amount(said["Amount"])
        except InvalidAmountError:
            digits = round_to(Decimal(said["Amount"]), _FINEST)
        return _Amount(digits, said["Unit"])


def _name(month: Mapping[str, Any]) -> str:
    return str(month["TimePeriod"]["Start"])[:7]


def open_cost_explorer(metric: str, profile: str = "") -> CostExplorer:
    """Cost Explorer with the credentials that boto3 finds, of a profile where one is named.

    Raises:
        UnreachableError: there is no such profile.
    """
    try:
        session = boto3.Session(profile_name=profile or None)
        client = session.client("ce", region_name=REGION, config=Config(retries={"mode": "adaptive"}))
    except BotoCoreError as error:
        raise UnreachableError("Cost Explorer", str(error)) from error
    return CostExplorer(client, metric)
