"""Runs the FOCUS validator on one file after another; for `test_focus_conformance`, by the validator's own Python.

    python validations.py

Each line of standard input is the arguments of one run, as JSON, and is answered with a line of JSON: [what it
printed, what it said on standard error]. Each run is a fork of this process, which has imported the validator once:
that takes a third of the time of a run.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import NoReturn

from focus_validator.main import main  # type: ignore[import-not-found]  # of another environment


def run(arguments: Sequence[str]) -> tuple[str, str]:
    """One run of the validator: (what it printed, what it said on standard error)."""
    with TemporaryFile("w+") as printed, TemporaryFile("w+") as said:
        fork = os.fork()
        if fork == 0:
            os.dup2(printed.fileno(), sys.stdout.fileno())
            os.dup2(said.fileno(), sys.stderr.fileno())
            _end_with(arguments)
        os.waitpid(fork, 0)
        for file in (printed, said):
            file.seek(0)
        return printed.read(), said.read()


def _end_with(arguments: Sequence[str]) -> NoReturn:
    sys.argv = ["focus-validator", *arguments]
    try:
        main()
    except BaseException:  # noqa: BLE001 - whatever it is, the fork must not go on as its parent
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)  # noqa: T201 - read by the test
