"""The assets that wire the DAGs together.

What belongs here: names that DAGs and pages share. What does not: who emits and who waits, which is
in each DAG.

Ledgers are partitioned by billing period: an event's key is "2026-10", and the DAGs that wait for it
compute that period and no other. `source_delivery` is partitioned by source. The others of the deliveries
and messages have no key: they say only that it is time to look.
"""

from __future__ import annotations

from airflow.sdk import Asset, AssetWatcher

from twinledger.airflow.watcher import DeliveryTrigger

_WATCHER = AssetWatcher("delivery_queue", trigger=DeliveryTrigger())  # type: ignore[no-untyped-call]  # Airflow's

OBJECT_CREATED = Asset("object_created", group="deliveries", watchers=[_WATCHER])
"""A bucket says that an object was created; of which source it is, is still to be found."""

SOURCE_DELIVERY = Asset("source_delivery", group="deliveries")
"""Something lies at a source's place that was not there before: the key is the source's name."""

BILL_DELIVERY = Asset("bill_delivery", group="deliveries")
"""Some vendor delivered: emitted by hand, to look at every bill source at once."""

USAGE_DELIVERY = Asset("usage_delivery", group="deliveries")
"""Some metering feed delivered: likewise."""

OUTBOX = Asset("outbox", group="messages")
"""Something waits to be sent at once; the outbox is also looked at every minute."""

EXTERNAL_LEDGER = Asset("external_ledger", group="ledgers")
USAGE = Asset("usage", group="ledgers")
INTERNAL_LEDGER = Asset("internal_ledger", group="ledgers")
CONTROL_TOTALS = Asset("control_totals", group="ledgers")
"""Somebody else says something new of what an account was charged in the period."""

LEDGER_SUMS = Asset("ledger_sums", group="ledgers")
"""What changed in either ledger is summed: the period can be compared without reading the ledgers."""

BRIDGE = Asset("bridge", group="ledgers")
BUDGET_POSITION = Asset("budget_position", group="ledgers")
