"""Writing the whole sample company to a folder.

What belongs here: which files, in which order, on how many cores. What does not: what is in them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from pathlib import Path

from twinledger.sample import bills, company, config, fleet, planted, usage
from twinledger.sample.bills import Delivery
from twinledger.sample.fleet import Vendor
from twinledger.sample.planted import Month, Planted
from twinledger.sample.studio import Studio, Studios, exact, open_studios
from twinledger.sample.usage import Span
from twinledger.vocabulary.periods import Period

Report = Callable[[str], None]
Job = Callable[[Studio], None]

_MOST_STUDIOS = 8


def _quiet(sentence: str) -> None:
    del sentence


def write_sample(folder: Path, seed: int, months: int, scale: float, report: Report | None = None) -> Planted:
    """Write Nimbus Retail's configuration, bills, metering and the list of what was planted.

    Equal arguments give equal bytes. What an earlier run left in the folder's `bills`, `usage` and
    `config` is removed first. Memory does not grow with the scale.

    Args:
        folder: where to write; made when it is not there.
        seed: of all chance.
        months: how many accounting months, the last one 2026-10.
        scale: 1 is about 20 thousand bill lines in three months; rows grow with it, planted facts do not
            (but for the price change and the booked rate, which touch every card and euro).
        report: is told in a sentence how far it is.

    Returns:
        What was planted and what is expected, as in planted.json and expected.json.

    Raises:
        ValueError: fewer than 1 or more than 12 months, or a scale that is not above 0.
    """
    if not 1 <= months <= 12 or not scale > 0:  # noqa: PLR2004 - a year
        message = f"cannot write {months} months at scale {scale}: expected 1 to 12 months and a scale above 0"
        raise ValueError(message)
    tell = report or _quiet
    periods = [company.LAST_PERIOD.shift(-back) for back in range(months - 1, -1, -1)]
    size = exact(scale)
    folder.mkdir(parents=True, exist_ok=True)
    bills.clear(folder)
    with open_studios(seed, min(os.cpu_count() or 1, _MOST_STUDIOS)) as studios:
        handed = list(bills.deliveries(periods, size))
        _write_bills(studios, folder / "bills", handed, tell)
        _write_usage(studios, folder / "usage", periods, size, tell)
        tell("adding up what was generated")
        found = planted.build(_measure(studios, periods, size), handed)
    config.write_config(folder / "config", periods, found.departments)
    _write_json(folder / "planted.json", found.facts)
    _write_json(folder / "expected.json", found.expected())
    tell(f"{sum(delivery.rows for delivery in handed):,} bill lines and {len(found.facts)} planted facts in {folder}")
    return found


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8", newline="\n")


def _run(studios: Studios, jobs: Iterable[tuple[str, Job]], tell: Report) -> None:
    """Run jobs side by side, telling of each that ends."""

    def work(job: Job) -> None:
        with studios.one() as studio:
            job(studio)

    with ThreadPoolExecutor(studios.number) as threads:
        started = [(sentence, threads.submit(work, job)) for sentence, job in jobs]
        for number, (sentence, running) in enumerate(started, start=1):
            running.result()
            tell(f"{sentence} ({number}/{len(started)})")


def _write_bills(studios: Studios, folder: Path, handed: list[Delivery], tell: Report) -> None:
    parts = [
        (f"bill of {delivery.vendor} for {delivery.period}, part {number}", partial(_part, folder, delivery, number))
        for delivery in handed
        for number in range(1, len(delivery.parts) + 1)
    ]
    _run(studios, parts, tell)
    with studios.one() as studio:
        for delivery in handed:
            bills.write_manifest(studio, folder, delivery)


def _part(folder: Path, delivery: Delivery, number: int, studio: Studio) -> None:
    bills.write_part(studio, folder, delivery, number)


def _write_usage(studios: Studios, folder: Path, periods: list[Period], scale: Decimal, tell: Report) -> None:
    _run(studios, [(str(span), partial(_span, folder, span, scale)) for span in usage.spans(periods, scale)], tell)


def _span(folder: Path, span: Span, scale: Decimal, studio: Studio) -> None:
    usage.write_span(studio, folder, span, scale)


def _measure(studios: Studios, periods: list[Period], scale: Decimal) -> list[Month]:
    """Sums over every period's final bills and its metering."""

    def month(period: Period) -> Month:
        vendors: tuple[Vendor, ...] = ("aws", "azure", "stratus")
        segments = [segment for vendor in vendors for segment in fleet.month(vendor, period, scale)]
        metered = [segment for segment in segments if segment.line.feed]
        with studios.one() as studio:
            return Month(period, studio.sums("billed_by_line", segments), studio.sums("used_by_line", metered))

    with ThreadPoolExecutor(studios.number) as threads:
        return list(threads.map(month, periods))
