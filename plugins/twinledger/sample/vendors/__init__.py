"""The sample company's vendors: what it runs at each, and every bill that each of them writes.

What belongs here: one module a vendor with its lines, its bills and their layouts. What does not: how a
row is spelt in a bill's format, which is a view in sample/sql, and anything that adds up amounts, which
is `planted` and works for every bill alike.

How to add a bill
-----------------
1. Write sample/sql/<model>.sql with one view a bill (sql/stratus.sql is a short one). It reads `charges`,
   one row a bill line, in the order of the file; no join, no ORDER BY, one output row for each row.
   Columns of `charges`: line (unique over all bills), bill, name (of the line within its bill), kind,
   number (of the row within its line, from 0), service, sku, sku_id, region, account (the sub-account),
   pool, prefix, unit, commitment (NULL when none), aside, resource (NULL when none), resource_no, starts_at
   (of the month), started_at and ended_at (exclusive), quantity DECIMAL(19, 9), list_rate, billed_rate,
   effective_rate, billed, effective, listed (rate x quantity, DECIMAL(24, 10)), tenant, department,
   cost_centre, preliminary. All times are the vendor's wall clock: write them as the vendor does, and a
   Chinese bill's month begins at 00:00 of UTC+8. GETVARIABLE('dataset') is which of the bill's datasets
   is written, GETVARIABLE('delivered_at') the delivery's time in UTC.
2. In sample/vendors/<vendor>.py make the bill's lines and a `Bill`, and list it in BILLS (the lists of all
   vendors are put together below; nothing else needs to know). Its name is the source's name and the folder
   below bills/. `account` is a billing account of its own: two bills of one vendor are two accounts, with
   sub-accounts and resources of their own, for else they would count twice.
3. Nothing more. `twinledger sample DIR --bills NAME` writes it alone; tests/sample and
   tests/acceptance/test_sample_company.py take it in: recognised, no row refused, total to the last digit.

What a line must hold, for its amounts are worked out from its rates alone
--------------------------------------------------------------------------
- The ledger's BilledCost is `billed`, its EffectiveCost `effective`, its ListCost `listed`: choose rates that
  the format can say. Where it has no list price, list_rate = billed_rate. Where usage covered by a commitment
  is billed 0, its billed_rate is 0 and its effective_rate is what the ledger will say (0 if not amortised).
- `service` is the ledger's ServiceName; new lines keep the default pool `direct`.
- Every usage row (kinds usage, covered, unused) carries the tags tenant, department and cost-centre, from
  which the ledger's Tags get `department`: its department is charged the row's list cost. An `unused` row has
  list_rate 0 where the ledger's ListCost is 0.
- Rows of the other kinds become a ChargeCategory other than Usage, or ChargeClass Correction (refund): they are
  the component non_usage with their effective cost. A purchase that is amortised elsewhere has effective_rate 0.
- `fleet.once(line, kind='refund', ...)` is one row a month of quantity 1; `fleet.steady` does not grow with scale.
  Rates have at most 6 decimals, quantities 4.
- A row that is in the file and rightly no charge (`aside`): Line(aside=True).
- Currency: USD or CNY for new bills (EUR is what the planted currency difference is made of).
- Each vendor bills some hundred rows a month at scale 1; the months are the last two (`last_months`). Most lines
  grow with the scale (`scales`), for a bill is also written millions of rows long, to measure its format.

Ways of delivering (`plan`): `monthly()`; `daily('day')` and `daily('month_to_date')`: some days of the last month,
then the final month, which supersedes them; `appended(files)`: every file adds rows. `restates=True` delivers the
last month but one twice, the first time with lines' `early_rate`: each is a planted fact, and a break.
Layouts: `layouts.named_files('{account}_BillingItemDetail_{stamp}.csv')` with .csv, .csv.gz, .parquet or .zip by its
suffix, `member=` for the CSVs in a zip, `text=Text('gb18030')` for encodings, `least_parts` for more than one
part. With manifests: `Layout(write, manifest)`, as aws.py and azure.py have it.
"""

from __future__ import annotations

from twinledger.sample.bills import Bill
from twinledger.sample.fleet import Line
from twinledger.sample.vendors import alibaba, aws, azure, google, huawei, oracle, stratus, tencent, volcengine

__all__ = ["BILLS", "BILLS_BY_NAME", "LINES", "chosen"]

BILLS: tuple[Bill, ...] = (
    *aws.BILLS,
    *azure.BILLS,
    *stratus.BILLS,
    *google.BILLS,
    *alibaba.BILLS,
    *tencent.BILLS,
    *huawei.BILLS,
    *volcengine.BILLS,
    *oracle.BILLS,
)
"""Every bill of the sample company."""

BILLS_BY_NAME: dict[str, Bill] = {bill.name: bill for bill in BILLS}

LINES: dict[str, Line] = {line.key: line for bill in BILLS for line in bill.lines}
"""Every line of every bill, by its key."""


def chosen(names: tuple[str, ...] | None) -> tuple[Bill, ...]:
    """The bills of some names, in the order of BILLS; all of them for None.

    Raises:
        ValueError: a name that no bill has.
    """
    unknown = set(names or ()) - set(BILLS_BY_NAME)
    if unknown or names == ():
        message = f"no bill {', '.join(sorted(unknown)) or 'named'}: expected some of {', '.join(BILLS_BY_NAME)}"
        raise ValueError(message)
    return tuple(bill for bill in BILLS if names is None or bill.name in names)
