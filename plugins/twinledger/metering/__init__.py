"""Usage: what was consumed, as metering feeds deliver it.

What belongs here: feeds, their files, the events of reporters, and the slices of `shared.usage`. What does not: how
a format is read, which is SQL under `sql/metering`, and what usage costs, which is rating's.
"""

from twinledger.metering.card_use import CardUse, card_use
from twinledger.metering.coverage import Span, Uncovered, coverage, described
from twinledger.metering.dcgm import CardUsage
from twinledger.metering.events import LARGEST_BODY, RefusedEvent, read_events
from twinledger.metering.gateway import Gateway
from twinledger.metering.ingest import ingest_feed
from twinledger.metering.records import Outcome
from twinledger.metering.reporters import Reporter, Sender, add_reporter, authenticated, reporters, revoke_reporter
from twinledger.metering.series import HOUR, SeriesUsage, parsed_value

__all__ = [
    "HOUR",
    "LARGEST_BODY",
    "CardUsage",
    "CardUse",
    "Gateway",
    "Outcome",
    "RefusedEvent",
    "Reporter",
    "Sender",
    "SeriesUsage",
    "Span",
    "Uncovered",
    "add_reporter",
    "authenticated",
    "card_use",
    "coverage",
    "described",
    "ingest_feed",
    "parsed_value",
    "read_events",
    "reporters",
    "revoke_reporter",
]
