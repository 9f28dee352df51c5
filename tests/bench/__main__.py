"""`make bench`: every stage of a day's run over the sample company, beside the machine's floor.

    make bench                        10 million bill lines
    make bench ARGS="--rows 200000"   fewer

Prints wall seconds, processor seconds and peak memory of each stage, and the ratio to the floor that
was measured in the same run: machines differ, ratios less.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from twinledger.vocabulary.settings import ROOT

ROWS_AT_SCALE_1 = 18_700
COMPARED = (
    ("ingest_bills", "bare_copy", 2.0),
    ("ingest_metering", "", None),
    ("rate", "scan_usage", None),
    ("reconcile", "scan_ledgers", None),
)
MOST_MEMORY_MB = 4096


@dataclass(frozen=True, slots=True)
class Measured:
    """One stage in a process of its own."""

    stage: str
    wall_s: float
    cpu_s: float
    peak_mb: float


def measure(stage: str, folder: Path) -> Measured:
    """Run a stage and take its time and its peak memory, as the kernel accounts them."""
    print(f"  {stage} ...", end="", flush=True)
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.stages", stage, str(folder)], cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"stage {stage} failed with status {status}")
    found = Measured(stage, time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    print(f" {found.wall_s:.1f} s")
    return found


def show(measured: dict[str, Measured]) -> None:
    """The table, and whether each bound holds."""
    print(f"\n{'stage':<18}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}   beside its floor")
    for stage in measured.values():
        line = f"{stage.stage:<18}{stage.wall_s:>9.1f}{stage.cpu_s:>9.1f}{stage.peak_mb:>9.0f}"
        print(line + _beside(stage, measured))
    peak = max(stage.peak_mb for stage in measured.values() if stage.stage not in ("bare_read", "bare_copy"))
    word = "holds" if peak < MOST_MEMORY_MB else "DOES NOT HOLD"
    print(f"\npeak memory {peak:.0f} MB: the bound of {MOST_MEMORY_MB} MB {word}")


def _beside(stage: Measured, measured: dict[str, Measured]) -> str:
    floor, bound = next(
        ((floor, bound) for name, floor, bound in COMPARED if name == stage.stage and floor), ("", None)
    )
    if not floor:
        return ""
    ratio = stage.wall_s / measured[floor].wall_s
    said = "" if bound is None else f" (bound {bound} at 10 million lines: {'holds' if ratio <= bound else 'not held'})"
    return f"   {ratio:.2f} x {floor}{said}"


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000, help="bill lines of the sample company")
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache" / "bench", help="emptied first, and left")
    arguments = parser.parse_args()
    scale = str(arguments.rows / ROWS_AT_SCALE_1)
    print(f"writing the sample company, about {arguments.rows:,} bill lines", flush=True)
    # In a process of its own: a child's peak memory counts what its parent held when it was started.
    subprocess.run([sys.executable, "-m", "tests.bench.set_up", str(arguments.folder), scale], check=True, cwd=ROOT)
    rows = int((arguments.folder / "rows.txt").read_text())
    print(f"{rows:,} bill lines; {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    stages = (
        "bare_read",
        "bare_copy",
        "ingest_bills",
        "ingest_metering",
        "scan_usage",
        "rate",
        "scan_ledgers",
        "reconcile",
    )
    show({stage: measure(stage, arguments.folder) for stage in stages})


if __name__ == "__main__":
    main()
