"""The assets that wire the DAGs together.

What belongs here: names that DAGs and pages share. What does not: who emits and who waits, which is
in each DAG.

Ledgers are partitioned by billing period: an event's key is "2026-10", and the DAGs that wait for it
compute that period and no other. The first three have no key: they say only that it is time to look.
"""

from __future__ import annotations

from airflow.sdk import Asset

BILL_DELIVERY = Asset("bill_delivery", group="deliveries")
"""A vendor delivered: emitted by whatever watches the vendors' buckets, or by hand."""

USAGE_DELIVERY = Asset("usage_delivery", group="deliveries")
"""A metering feed delivered."""

OUTBOX = Asset("outbox", group="messages")
"""Something waits to be sent at once; the outbox is also looked at every minute."""

EXTERNAL_LEDGER = Asset("external_ledger", group="ledgers")
USAGE = Asset("usage", group="ledgers")
INTERNAL_LEDGER = Asset("internal_ledger", group="ledgers")
BRIDGE = Asset("bridge", group="ledgers")
BUDGET_POSITION = Asset("budget_position", group="ledgers")
