"""Writing the whole sample company to a folder.

What belongs here: which files, in which order, on how many cores. What does not: what is in them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from decimal import Decimal
from functools import partial
from pathlib import Path

from twinledger.sample import bills, config, planted, usage
from twinledger.sample.bills import Bill, Delivery
from twinledger.sample.company import LAST_PERIOD
from twinledger.sample.layouts import stamp_file
from twinledger.sample.planted import Handed, Planted, Sums
from twinledger.sample.studio import Studio, Studios, exact, open_studios
from twinledger.sample.usage import Span
from twinledger.sample.vendors import chosen
from twinledger.vocabulary.periods import Period

Report = Callable[[str], None]
Job = Callable[[Studio], None]

_MOST_STUDIOS = 8


def _quiet(sentence: str) -> None:
    del sentence


def write_sample(
    folder: Path,
    seed: int,
    months: int,
    scale: float,
    report: Report | None = None,
    names: tuple[str, ...] | None = None,
) -> Planted:
    """Write Nimbus Retail's configuration, bills, metering and the list of what was planted.

    Equal arguments give equal bytes. What an earlier run left in the folder's `bills`, `usage` and
    `config` is removed first. Memory does not grow with the scale.

    Args:
        folder: where to write; made when it is not there.
        seed: of all chance.
        months: how many accounting months, the last one 2026-10.
        scale: 1 is about 30 thousand bill lines in three months; rows grow with it, planted facts do not
            (but for the price change and the booked rate, which touch every card and euro).
        report: is told in a sentence how far it is.
        names: of the bills to write, and the metering of what they bill; None: all of them.

    Returns:
        What was planted and what is expected, as in planted.json and expected.json.

    Raises:
        ValueError: fewer than 1 or more than 12 months, a scale that is not above 0, or a name of no bill.
    """
    if not 1 <= months <= 12 or not scale > 0:  # noqa: PLR2004 - a year
        message = f"cannot write {months} months at scale {scale}: expected 1 to 12 months and a scale above 0"
        raise ValueError(message)
    tell = report or _quiet
    written = chosen(names)
    periods = [LAST_PERIOD.shift(-back) for back in range(months - 1, -1, -1)]
    size = exact(scale)
    folder.mkdir(parents=True, exist_ok=True)
    bills.clear(folder)
    with _studios(seed, written) as studios:
        handed = list(bills.deliveries(written, periods, size))
        _write_bills(studios, folder / "bills", handed, tell)
        _write_usage(studios, folder / "usage", list(usage.spans(written, periods, size)), written, size, tell)
        tell("adding up what was generated")
        found = planted.build(_used(studios, handed), _sums(studios, handed))
    config.write_config(folder / "config", written, periods, found.departments)
    _write_json(folder / "planted.json", found.facts)
    _write_json(folder / "expected.json", found.expected())
    tell(f"{sum(delivery.rows for delivery in handed):,} bill lines and {len(found.facts)} planted facts in {folder}")
    return found


def write_bill(folder: Path, name: str, rows: int, seed: int, report: Report | None = None) -> Planted:
    """Write the last month of one bill, about so many rows long, and the configuration with its source alone.

    There is no metering, and no delivery that another one supersedes. For measuring one format.

    Args:
        folder: where to write; made when it is not there.
        name: of the bill.
        rows: about how many charges; at least those of the lines that do not grow.
        seed: of all chance.
        report: is told in a sentence how far it is.

    Returns:
        What is expected of the ledger, as in expected.json.

    Raises:
        ValueError: a name of no bill.
    """
    (bill,) = chosen((name,))
    folder.mkdir(parents=True, exist_ok=True)
    bills.clear(folder)
    scale = _scale_of(bill, rows)
    handed = [one for one in bills.deliveries([bill], [LAST_PERIOD], scale) if not one.superseded]
    with _studios(seed, [bill]) as studios:
        _write_bills(studios, folder / "bills", handed, report or _quiet)
        found = Planted(ledger=list(planted.ledger(_sums(studios, handed))))
    config.write_config(folder / "config", [bill], [LAST_PERIOD], [], metered=False)
    _write_json(folder / "expected.json", found.expected())
    return found


def _scale_of(bill: Bill, rows: int) -> Decimal:
    """The scale at which the last month of a bill is about so many charges."""

    def count(scale: int) -> int:
        handed = bills.deliveries([bill], [LAST_PERIOD], Decimal(scale))
        return sum(one.rows for one in handed if not one.superseded)

    once, twice = count(1), count(2)
    return max(Decimal("0.001"), 1 + Decimal(rows - once) / max(1, twice - once))


def _studios(seed: int, written: Sequence[Bill]) -> AbstractContextManager[Studios]:
    lines = [line for bill in written for line in bill.lines]
    return open_studios(seed, min(os.cpu_count() or 1, _MOST_STUDIOS), lines)


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
    files = [
        (f"bill of {delivery.bill.name} for {delivery.period}, file {number}", partial(_file, folder, delivery, number))
        for delivery in handed
        for number in range(1, delivery.bill.layout.files(delivery) + 1)
    ]
    _run(studios, files, tell)
    with studios.one() as studio:
        for delivery in handed:
            delivery.bill.layout.manifest(studio, folder / delivery.bill.name, delivery)


def _file(folder: Path, delivery: Delivery, number: int, studio: Studio) -> None:
    path = delivery.bill.layout.write(studio, folder / delivery.bill.name, delivery, number)
    stamp_file(path, delivery.delivered_at)


def _write_usage(
    studios: Studios, folder: Path, spans: list[Span], written: Sequence[Bill], scale: Decimal, tell: Report
) -> None:
    _run(studios, [(str(span), partial(_span, folder, span, written, scale)) for span in spans], tell)


def _span(folder: Path, span: Span, written: Sequence[Bill], scale: Decimal, studio: Studio) -> None:
    usage.write_span(studio, folder, span, written, scale)


def _sums(studios: Studios, handed: Sequence[Delivery]) -> list[Handed]:
    """Sums over every delivery's charges."""

    def add_up(delivery: Delivery) -> Handed:
        with studios.one() as studio:
            return Handed(delivery, studio.sums("billed_by_line", delivery.segments))

    with ThreadPoolExecutor(studios.number) as threads:
        return list(threads.map(add_up, handed))


def _used(studios: Studios, handed: Sequence[Delivery]) -> list[tuple[Period, Sums]]:
    """Sums over every period's metering, which is of what its bills have in the end."""

    def add_up(period: Period) -> tuple[Period, Sums]:
        kept = [one for one in handed if one.period == period and not one.superseded]
        metered = [segment for one in kept for segment in one.segments if segment.line.feed]
        with studios.one() as studio:
            return period, studio.sums("used_by_line", metered)

    with ThreadPoolExecutor(studios.number) as threads:
        return list(threads.map(add_up, dict.fromkeys(one.period for one in handed)))
