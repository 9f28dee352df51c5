"""datacompy on both ledgers of the benchmark: installed apart, run as its users run it.

What belongs here: its environment, which is never ours, and its program. What does not: measuring it.

It compares two data frames that are in memory as a whole, on the columns that they are joined on. So both ledgers are
read into pandas, summed by resource, and compared by resource at a tolerance of a cent.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twinledger.vocabulary.settings import ROOT

REQUIREMENTS = Path(__file__).with_name("datacompy.txt")
PLACE = ROOT / ".cache" / "datacompy"
LONGEST_SECONDS = 1800
PROGRAM = """
import json
import sys

import datacompy
import pandas

ledgers = json.load(open(sys.argv[1]))
external = pandas.read_parquet(ledgers["external"], columns=["ResourceId", "EffectiveCost"])
internal = pandas.read_parquet(ledgers["internal"], columns=["resource", "amount"])
external["amount"] = external.pop("EffectiveCost").astype("float64")
internal["amount"] = internal["amount"].astype("float64")
billed = external.rename(columns={"ResourceId": "resource"}).groupby("resource", as_index=False).sum()
charged = internal.groupby("resource", as_index=False).sum()
compare = getattr(datacompy, "PandasCompare", None) or datacompy.Compare
found = compare(billed, charged, join_columns="resource", abs_tol=0.01, df1_name="external", df2_name="internal")
print(found.report(sample_count=10))
"""


def install() -> tuple[Path | None, str]:
    """The Python of its environment, installed where it is not yet; or None and why not."""
    program = PLACE / "bin" / "python"
    wanted = REQUIREMENTS.read_text()
    done = PLACE / "installed.txt"
    if done.is_file() and done.read_text() == wanted:
        return program, ""
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(PLACE)],
        [str(program), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(REQUIREMENTS)],
        [str(program), "-c", "import datacompy"],
    )
    for step in steps:
        ended = subprocess.run(step, check=False, capture_output=True, text=True)
        if ended.returncode:
            return None, (ended.stderr.strip().splitlines() or ["no reason given"])[-1][:200]
    done.write_text(wanted)
    return program, ""


def command(program: Path, ledgers: Path) -> list[str]:
    """Its command line; `ledgers` names the files of both ledgers as JSON."""
    return [str(program), "-c", PROGRAM, str(ledgers)]
