"""`make bench`: ingestion of every bill format and every stage of a day's run, beside the machine's floor.

    make bench                                          10 million rows of each format, and of the company
    make bench ARGS="--rows 200000"                     fewer
    make bench ARGS="--formats aws_cur_2,focus_1_2"     these formats alone
    make bench ARGS="--formats none"                    the company's stages alone
    make bench ARGS="--memory"                          peak memory at 1, 10 and 50 million rows alone
    make bench ARGS="--rating"                          rating 50 million usage rows against 2,000 prices alone
    make bench ARGS="--rating --rating-rows 2000000"    fewer
    make bench ARGS="--reconciliation"                  reconciling 1, 10 and 100 million charges with half as many
                                                        internal ones, and one changed slice of them, alone
    make bench ARGS="--reconciliation --reconciliation-rows 1000000,10000000"

A format's floor is bare DuckDB: the same reader and the same model's SQL over the same files, written as
Parquet. Every stage is a process of its own, with the same bound on memory and the same threads. Prints
ratios to the floor of the same run, of time and of the processors' time: machines differ, ratios less. Exits
with 1 if a bound does not hold.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import converter, datacompare
from twinledger.bills.formats import format_names
from twinledger.vocabulary.settings import ROOT

ROWS_AT_SCALE_1 = 18_700
MOST_MEMORY_MB = 4096
MOST_OF_FLOOR = 1.5
BOUND_FROM_ROWS = 5_000_000
"""Below that, starting up is most of what is measured, and the bound on time says nothing."""
MOST_GROWTH_MB = 256
"""Memory is called flat where it grows by no more than this from the fewest rows to the most."""
CONVERTED_ROWS = 1_000_000
RECONCILED_ROWS = (1_000_000, 10_000_000, 100_000_000)
RECONCILED_BOUND_FROM_ROWS = 100_000_000
"""What is compared is 200,000 resources at every size: below that, they are most of what a statement takes."""
CHANGED = ("hundredth", "constant")
"""Sources of which one slice changes: a hundredth of the rows, and as many rows whatever the ledger has."""
MOST_OF_RERUN = 3.0
"""What the processors' time of a run after a slice of constant size may grow by, from the fewest rows to the most."""
DATACOMPY_ROWS = 10_000_000
"""It is not asked for more: it holds both ledgers in memory as data frames."""
MEMORY_FORMATS = ("azure_ea", "focus_1_2")
MEMORY_ROWS = (1_000_000, 10_000_000, 50_000_000)
STAGES = (
    "bare_read",
    "bare_copy",
    "ingest_bills",
    "ingest_metering",
    "scan_usage",
    "rate",
    "scan_ledgers",
    "reconcile",
)
COMPARED = {"ingest_bills": "bare_copy", "rate": "scan_usage", "reconcile": "scan_ledgers"}


@dataclass(frozen=True, slots=True)
class Measured:
    """One process: seconds on the clock and of processors, and its peak memory."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    status: int = 0


def measure(command: Sequence[str], longest: float | None = None) -> Measured:
    """Run a process and take its time and its peak memory, as the kernel accounts them."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=longest is not None)
    watch = threading.Timer(longest or 0, os.killpg, (process.pid, signal.SIGKILL))
    if longest:
        watch.start()
    _, status, usage = os.wait4(process.pid, 0)
    watch.cancel()
    seconds = usage.ru_utime + usage.ru_stime
    return Measured(time.monotonic() - started, seconds, usage.ru_maxrss / 1024, status)


class StageError(RuntimeError):
    """A stage ended with an error, which it printed itself."""


def run(module: str, *arguments: str) -> Measured:
    """A stage of the benchmark.

    Raises:
        StageError: it did not end well.
    """
    found = measure([sys.executable, "-m", f"tests.bench.{module}", *arguments])
    if found.status:
        message = f"stage {' '.join((module, *arguments))} ended with status {found.status}"
        raise StageError(message)
    return found


def say(text: str) -> None:
    """A line of the report or of progress."""
    print(text, flush=True)


# --- formats -----------------------------------------------------------------------------------


def ingest_formats(folder: Path, names: Sequence[str], rows: int) -> list[str]:
    """Every format beside its floor; returns the bounds that do not hold."""
    times = f"{'ours s':>9}{'floor s':>9}{'ratio':>7}{'of cpu':>8}"
    say(f"\n{'format':<23}{'rows':>12}{'MB':>7}{'rows/s':>10}{times}{'peak MB':>9}")
    broken = []
    for name in names:
        try:
            broken += _one_format(folder / name, name, rows)
        except StageError as error:
            # The others are worth their hour all the same.
            broken.append(f"{name}: not measured, {error}")
    return broken


def _one_format(folder: Path, name: str, rows: int) -> list[str]:
    shutil.rmtree(folder, ignore_errors=True)
    run("one_format", "write", str(folder), name, str(rows))
    size = sum(path.stat().st_size for path in (folder / "bills").rglob("*") if path.is_file()) >> 20
    floor = run("one_format", "floor", str(folder))
    shutil.rmtree(folder / "floor", ignore_errors=True)
    ours = run("one_format", "ingest", str(folder))
    lines = int((folder / "rows.txt").read_text())
    shutil.rmtree(folder)
    ratio = ours.wall_s / floor.wall_s
    figures = f"{lines:>12,}{size:>7}{lines / ours.wall_s:>10,.0f}{ours.wall_s:>9.1f}{floor.wall_s:>9.1f}"
    # What other work on the machine disturbs less than the clock.
    of_cpu = ours.cpu_s / floor.cpu_s
    say(f"{name:<23}{figures}{ratio:>7.2f}{of_cpu:>8.2f}{ours.peak_mb:>9.0f}")
    broken = []
    if ratio > MOST_OF_FLOOR and lines >= BOUND_FROM_ROWS:
        broken.append(f"{name}: {ratio:.2f} times the floor, more than {MOST_OF_FLOOR}")
    if ours.peak_mb > MOST_MEMORY_MB:
        broken.append(f"{name}: {ours.peak_mb:.0f} MB at its peak, more than {MOST_MEMORY_MB}")
    return broken


def memory_is_flat(folder: Path, names: Sequence[str], scales: Sequence[int]) -> list[str]:
    """Peak memory of ingesting more and more rows; returns the bounds that do not hold."""
    say(f"\n{'peak MB of ingesting':<23}" + "".join(f"{rows:>14,}" for rows in scales))
    broken = []
    for name in names:
        peaks = []
        for rows in scales:
            shutil.rmtree(folder / name, ignore_errors=True)
            run("one_format", "write", str(folder / name), name, str(rows))
            peaks.append(run("one_format", "ingest", str(folder / name)).peak_mb)
            shutil.rmtree(folder / name)
        say(f"{name:<23}" + "".join(f"{peak:>14.0f}" for peak in peaks))
        if max(peaks) > MOST_MEMORY_MB or peaks[-1] - peaks[0] > max(MOST_GROWTH_MB, peaks[0] / 2):
            broken.append(f"{name}: memory is not flat, {peaks[0]:.0f} to {peaks[-1]:.0f} MB")
    return broken


def beside_converter(folder: Path, rows: int) -> None:
    """Ours and focus_converters on one Cost and Usage Report, as one plain CSV file."""
    say(f"\none AWS Cost and Usage Report as one CSV file, about {rows:,} rows, to FOCUS as Parquet")
    program, reason = converter.install()
    shutil.rmtree(folder, ignore_errors=True)
    run("one_format", "write", str(folder), "aws_cur_legacy", str(rows))
    run("one_format", "cur", str(folder))
    lines, file = int((folder / "rows.txt").read_text()), folder / "converted.csv"
    program_of_ours = str(Path(sys.executable).with_name("twinledger"))
    ours = measure(
        [
            program_of_ours,
            "inspect",
            str(file),
            "--format",
            "aws_cur_legacy",
            "--json",
            "--parquet",
            str(folder / "ours.parquet"),
        ]
    )
    _beside("twinledger inspect", ours, lines)
    if program is None:
        say(f"focus_converters is not installed: {reason}")
    else:
        theirs = measure(converter.command(program, file, folder / "theirs"), converter.LONGEST_SECONDS)
        _beside("focus_converters 1.0.0", theirs, lines)
        if not theirs.status and not ours.status:
            slower, larger = theirs.wall_s / ours.wall_s, theirs.peak_mb / ours.peak_mb
            say(f"theirs takes {slower:.1f} times as long and {larger:.1f} times the memory")
    shutil.rmtree(folder)


def _beside(name: str, found: Measured, rows: int) -> None:
    ended = f"ended with status {found.status}" if found.status else ""
    say(f"{name:<23}{rows / found.wall_s:>12,.0f} rows/s{found.wall_s:>9.1f} s{found.peak_mb:>9.0f} MB {ended}")


# --- rating ------------------------------------------------------------------------------------


def rating(folder: Path, rows: int) -> list[str]:
    """Rating beside the bare join of the same tables; returns the bounds that do not hold.

    Then once more with one product in twenty charged in tiers, which no bare join does: for comparison alone.
    """
    say(f"\nrating {rows:,} usage rows against 2,000 prices")
    say(f"{'':<31}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}{'rows/s':>13}")
    broken = []
    for name, tiered in (("flat prices", 0), ("one in twenty tiered", 1)):
        run("rating", "write", str(folder), str(rows), str(tiered))
        floor = run("rating", "bare", str(folder))
        ours = run("rating", "rate", str(folder))
        shutil.rmtree(folder)
        for title, one in ((f"{name}: join", floor), (f"{name}: ours", ours)):
            say(f"{title:<31}{one.wall_s:>9.1f}{one.cpu_s:>9.1f}{one.peak_mb:>9.0f}{rows / one.wall_s:>13,.0f}")
        ratio = ours.wall_s / floor.wall_s
        say(f"{ratio:.2f} times the bare join")
        if ratio > MOST_OF_FLOOR and rows >= BOUND_FROM_ROWS and not tiered:
            broken.append(f"rating: {ratio:.2f} times the bare join, more than {MOST_OF_FLOOR}")
        if ours.peak_mb > MOST_MEMORY_MB:
            broken.append(f"rating, {name}: {ours.peak_mb:.0f} MB at its peak, more than {MOST_MEMORY_MB}")
    return broken


# --- reconciliation ----------------------------------------------------------------------------


def reconciliation(folder: Path, scales: Sequence[int]) -> list[str]:
    """Summing and reconciling beside the bare scan of the same columns, then with one slice changed.

    Slices are summed as they are ingested and rated, so the bound is the statement's. Returns the bounds that do not
    hold.
    """
    broken, constant = [], []
    largest = max((rows for rows in scales if rows <= DATACOMPY_ROWS), default=0)
    for rows in scales:
        say(f"\nreconciling {rows:,} charges with {rows // 2:,} internal charges")
        say(f"{'':<31}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}   beside the scan, of cpu")
        run("reconciliation", "write", str(folder), str(rows))
        floor = run("reconciliation", "bare", str(folder))
        _stage("bare scan", floor)
        summed = run("reconciliation", "sum", str(folder))
        _stage("summing every slice, once", summed, floor)
        ours = run("reconciliation", "reconcile", str(folder))
        _stage("bridge and statement", ours, floor)
        both = Measured(summed.wall_s + ours.wall_s, summed.cpu_s + ours.cpu_s, max(summed.peak_mb, ours.peak_mb))
        _stage("both", both, floor)
        if rows == largest:
            _beside_datacompy(folder, both)
        if ours.wall_s > MOST_OF_FLOOR * floor.wall_s and rows >= RECONCILED_BOUND_FROM_ROWS:
            ratio = f"{ours.wall_s / floor.wall_s:.2f} times the bare scan, more than {MOST_OF_FLOOR}"
            broken.append(f"bridge and statement of {rows:,}: {ratio}")
        if both.peak_mb > MOST_MEMORY_MB:
            broken.append(f"reconciliation of {rows:,}: {both.peak_mb:.0f} MB at its peak, more than {MOST_MEMORY_MB}")
        reruns = [_rerun(folder, source) for source in CHANGED]
        constant.append(reruns[-1].cpu_s)
        shutil.rmtree(folder)
    if constant and constant[-1] > MOST_OF_RERUN * constant[0]:
        broken.append(f"a slice of constant size: {constant[0]:.1f} to {constant[-1]:.1f} s of cpu, not flat")
    return broken


def _rerun(folder: Path, source: str) -> Measured:
    """Reconciling alone, which sums the slice itself."""
    run("reconciliation", "restate", str(folder), source)
    found = run("reconciliation", "reconcile", str(folder))
    _stage(f"after slice `{source}` changed", found)
    return found


def _stage(title: str, one: Measured, floor: Measured | None = None) -> None:
    beside = f"{one.wall_s / floor.wall_s:>12.2f}{one.cpu_s / floor.cpu_s:>9.2f}" if floor else ""
    say(f"{title:<31}{one.wall_s:>9.1f}{one.cpu_s:>9.1f}{one.peak_mb:>9.0f}{beside}")


def _beside_datacompy(folder: Path, ours: Measured) -> None:
    program, reason = datacompare.install()
    if program is None:
        say(f"datacompy is not installed: {reason}")
        return
    run("reconciliation", "files", str(folder))
    theirs = measure(datacompare.command(program, folder / "ledgers.json"), datacompare.LONGEST_SECONDS)
    _stage("datacompy, sums by resource", theirs)
    if theirs.status:
        say(f"datacompy ended with status {theirs.status}")
    else:
        longer, larger = theirs.wall_s / ours.wall_s, theirs.peak_mb / ours.peak_mb
        say(f"{longer:.2f} times our time and {larger:.2f} times our memory, for one comparison, in floats")


# --- the company -------------------------------------------------------------------------------


def company(folder: Path, rows: int) -> list[str]:
    """A day's run over the sample company; returns the bounds that do not hold."""
    say(f"\nwriting the sample company, about {rows:,} bill lines")
    # In a process of its own: a child's peak memory counts what its parent held when it was started.
    run("set_up", str(folder), str(rows / ROWS_AT_SCALE_1))
    say(f"{int((folder / 'rows.txt').read_text()):,} bill lines")
    say(f"{'stage':<18}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}   beside its floor")
    found: dict[str, Measured] = {}
    for stage in STAGES:
        found[stage] = one = run("stages", stage, str(folder))
        floor = COMPARED.get(stage)
        beside = f"   {one.wall_s / found[floor].wall_s:.2f} x {floor}" if floor else ""
        say(f"{stage:<18}{one.wall_s:>9.1f}{one.cpu_s:>9.1f}{one.peak_mb:>9.0f}{beside}")
    shutil.rmtree(folder)
    peak = max(one.peak_mb for stage, one in found.items() if stage not in ("bare_read", "bare_copy"))
    return [f"company: {peak:.0f} MB at its peak, more than {MOST_MEMORY_MB}"] if peak > MOST_MEMORY_MB else []


def main() -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of each format, and of the company")
    parser.add_argument("--formats", default="all", help="names with commas between them, all, or none")
    parser.add_argument("--no-company", action="store_true", help="formats alone")
    parser.add_argument(
        "--memory", action="store_true", help="peak memory at growing numbers of rows, and nothing else"
    )
    parser.add_argument("--memory-rows", default=",".join(map(str, MEMORY_ROWS)), help="those numbers")
    parser.add_argument("--rating", action="store_true", help="rating alone")
    parser.add_argument("--rating-rows", type=int, default=50_000_000, help="its usage rows")
    parser.add_argument("--reconciliation", action="store_true", help="reconciliation alone")
    parser.add_argument("--reconciliation-rows", default=",".join(map(str, RECONCILED_ROWS)), help="its charges")
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache" / "bench", help="emptied as it goes")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    say(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    broken: list[str] = []
    if arguments.memory:
        broken += memory_is_flat(folder, MEMORY_FORMATS, [int(one) for one in arguments.memory_rows.split(",")])
    elif arguments.rating:
        broken += rating(folder / "rating", arguments.rating_rows)
    elif arguments.reconciliation:
        scales = [int(one) for one in arguments.reconciliation_rows.split(",")]
        broken += reconciliation(folder / "reconciliation", scales)
    else:
        known = format_names()
        names = {"all": known, "none": []}.get(arguments.formats, arguments.formats.split(","))
        if unknown := set(names) - set(known):
            parser.error(f"no format {', '.join(sorted(unknown))}: expected some of {', '.join(known)}")
        if names:
            broken += ingest_formats(folder, names, arguments.rows)
        if arguments.formats == "all" or "aws_cur_legacy" in names:
            beside_converter(folder / "converter", min(arguments.rows, CONVERTED_ROWS))
        if not arguments.no_company and arguments.formats in ("all", "none"):
            broken += company(folder / "company-run", arguments.rows)
    say("\n" + "\n".join(["bounds that do not hold:", *broken] if broken else ["every bound holds"]))
    sys.exit(bool(broken))


if __name__ == "__main__":
    try:
        main()
    except StageError as stopped:
        sys.exit(str(stopped))
