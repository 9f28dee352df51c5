"""Fuzzing by atheris: bytes that reach new branches of a parser are kept and changed further.

    python -m tests.fuzz PARSER -runs=2000 -seed=1     one parser, with libFuzzer's own options
    python -m tests.fuzz --seconds 600                 all of them one after another: `make soak`

Inputs that reached something new are kept in .cache/fuzz, so that the next soak goes on from there. An input
that a parser fails on is written there too, and printed with the traceback.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from twinledger.vocabulary.settings import ROOT

KEPT = ROOT / ".cache" / "fuzz"
LONGEST_INPUT = 4096


def fuzz(parser: str, options: list[str]) -> None:
    """Fuzz one parser until libFuzzer's options say to end; ends the process."""
    import atheris  # noqa: PLC0415 - has no wheel for every Python that the project runs on

    sys.modules.pop("zipfile", None)  # to be imported once more: its branches are those of our archives
    with atheris.instrument_imports(include=["twinledger.bills", "twinledger.cloud.notifications", "zipfile"]):
        from tests.fuzz import harness  # noqa: PLC0415 - what it imports is instrumented here

    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(harness.SEEDS[parser]):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        atheris.Setup(
            [sys.argv[0], f"-max_len={LONGEST_INPUT}", "-len_control=0", *options, folder], harness.PARSERS[parser]
        )
        atheris.Fuzz()


def soak(seconds: int) -> int:
    """Fuzz every parser for its share of the time; returns how many failed."""
    failed = 0
    parsers = ("bill_file", "archive", "manifest", "names", "notification")
    for parser in parsers:
        kept = KEPT / parser
        kept.mkdir(parents=True, exist_ok=True)
        options = [
            f"-max_total_time={max(seconds // len(parsers), 1)}",
            f"-artifact_prefix={KEPT}/{parser}-",
            str(kept),
        ]
        sys.stdout.write(f"{parser}: fuzzing for {seconds // len(parsers)} s\n")
        sys.stdout.flush()
        done = subprocess.run([sys.executable, "-m", "tests.fuzz", parser, *options], cwd=ROOT, check=False)
        failed += done.returncode != 0
    return failed


def main(arguments: list[str]) -> int:
    """Of one parser with libFuzzer's options, or of all for a time."""
    if arguments and not arguments[0].startswith("-"):
        fuzz(arguments[0], arguments[1:])
        return 0
    options = argparse.ArgumentParser(prog="python -m tests.fuzz")
    options.add_argument("--seconds", type=int, default=600, help="for all parsers together")
    return soak(options.parse_args(arguments).seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
