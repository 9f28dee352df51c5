"""adtk on the series of the benchmark: installed apart, run as its documentation does.

What belongs here: its environment, which is never ours, and its program. What does not: what is counted as found.

adtk (Anomaly Detection Toolkit) has a detector of spikes, PersistAD, and one of level shifts, LevelShiftAD, both with
factors of their own (3 and 6 interquartile ranges), here with a window of one cycle of the series: what either finds,
counts. Both are fitted to the whole series and see what came after a bucket, which ours does not.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tests.bench.forecast_series import Floats
from twinledger.vocabulary.settings import ROOT

REQUIREMENTS = Path(__file__).with_name("adtk.txt")
PLACE = ROOT / ".cache" / "adtk"
LONGEST_SECONDS = 1800
PROGRAM = """
import json
import sys
import warnings

warnings.simplefilter("ignore")
import pandas
from adtk.detector import LevelShiftAD, PersistAD

given = json.load(open(sys.argv[1]))
told = []
for values in given["series"]:
    index = pandas.date_range("2020-01-06", periods=len(values), freq=given["freq"])
    series = pandas.Series(values, index=index, dtype="float64").dropna()
    flags = pandas.Series(False, index=index)
    for detector in (PersistAD(window=given["window"]), LevelShiftAD(window=given["window"])):
        try:
            found = detector.fit_detect(series).fillna(False).astype(bool)
        except (ValueError, RuntimeError):
            continue
        flags = flags | found.reindex(index, fill_value=False)
    told.append([int(place) for place in flags.to_numpy().nonzero()[0]])
json.dump(told, open(sys.argv[2], "w"))
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
        [str(program), "-c", "import adtk.detector"],
    )
    for step in steps:
        ended = subprocess.run(step, check=False, capture_output=True, text=True)
        if ended.returncode:
            return None, (ended.stderr.strip().splitlines() or ["no reason given"])[-1][:200]
    done.write_text(wanted)
    return program, ""


def flags(program: Path, amounts: Floats, freq: str, window: int) -> tuple[Floats, float]:
    """1 where it finds something in each series, and the seconds that took, its start included."""
    given, told = PLACE / "series.json", PLACE / "told.json"
    series = [[None if np.isnan(value) else float(value) for value in row] for row in amounts]
    given.write_text(json.dumps({"series": series, "freq": freq, "window": window}))
    began = time.perf_counter()
    command = [str(program), "-c", PROGRAM, str(given), str(told)]
    subprocess.run(command, check=True, capture_output=True, timeout=LONGEST_SECONDS)
    took = time.perf_counter() - began
    found = np.zeros(amounts.shape)
    for row, places in enumerate(json.loads(told.read_text())):
        found[row, places] = 1.0
    return found, took
