"""The FinOps Foundation's focus_converters on the file that ours reads: installed apart, run as its users do.

What belongs here: its environment, which is never ours, and its command. What does not: measuring it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twinledger.vocabulary.settings import ROOT

REQUIREMENTS = Path(__file__).with_name("focus-converter.txt")
PLACE = ROOT / ".cache" / "focus-converter"
LONGEST_SECONDS = 1800
"""It is given up after that: an error in it leaves its writers waiting for ever."""


def install() -> tuple[Path | None, str]:
    """Its program, installed where it is not yet; or None and why not. It needs Python 3.9 to 3.12 (pyarrow 14)."""
    program = PLACE / "bin" / "focus-converter"
    wanted = REQUIREMENTS.read_text()
    done = PLACE / "installed.txt"
    if done.is_file() and done.read_text() == wanted:
        return program, ""
    if sys.version_info >= (3, 13):
        return None, "it needs Python 3.12 or older"
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(PLACE)],
        [str(PLACE / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", "-r", str(REQUIREMENTS)],
        [str(program), "list-providers"],
    )
    for step in steps:
        ended = subprocess.run(step, check=False, capture_output=True, text=True)
        if ended.returncode:
            return None, (ended.stderr.strip().splitlines() or ["no reason given"])[-1][:200]
    done.write_text(wanted)
    return program, ""


def command(program: Path, file: Path, target: Path) -> list[str]:
    """Its command line for a Cost and Usage Report as CSV."""
    options = "--provider aws-cur --data-format csv --export-format parquet --no-export-include-source-columns"
    return [str(program), "convert", *options.split(), "--data-path", str(file), "--export-path", str(target)]
