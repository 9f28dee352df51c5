"""Install one lock file into the virtual environment that runs this, with one line of progress.

What belongs here: what `make` needs before anything is installed, so the standard library only.
What does not: which versions, which the lock files say.
"""

from __future__ import annotations

import compileall
import contextlib
import io
import os
import re
import select
import subprocess
import sys
import sysconfig
import time
from collections import deque
from pathlib import Path

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
QUIET = ("--no-deps", "--no-compile", "--progress-bar=off")
SEEN = re.compile(r"^(Collecting|Processing|Requirement already|Ignoring) ")
EVERY_SECONDS = 10
"""How often progress is told where the output is no terminal."""


class Progress:
    """One line on a terminal, a line now and then elsewhere."""

    def __init__(self, lock: Path) -> None:
        """Count the requirements of the lock file."""
        self.lock = lock
        self.total = sum(bool(re.match(r"^[A-Za-z0-9]", line)) for line in lock.read_text().splitlines())
        self.found, self.phase = 0, "finding packages"
        self.started = self.told = time.monotonic()

    def note(self, line: str) -> None:
        """Take what one line of pip's output says."""
        self.found += bool(SEEN.match(line))
        if line.startswith("Installing collected"):
            self.phase = "writing files"

    def show(self, *, final: bool = False) -> None:
        """Tell how far it is."""
        now = time.monotonic()
        terminal = sys.stderr.isatty()
        if not (final or terminal or now - self.told >= EVERY_SECONDS):
            return
        self.told = now
        start, end = ("\r\033[K", "") if terminal else ("", "\n")
        sys.stderr.write(
            f"{start}{self.lock.name}: {self.phase}, {min(self.found, self.total)} of {self.total} packages, "
            f"{now - self.started:.0f} s{end}{'' if not (final and terminal) else chr(10)}"
        )
        sys.stderr.flush()


def install(lock: Path) -> int:
    """Install what the lock file lists, nothing more; returns pip's status and prints its last words if it failed."""
    progress = Progress(lock)
    last: deque[str] = deque(maxlen=40)
    command = (*PIP, "install", *QUIET, "-r", str(lock))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1) as pip:
        if pip.stdout is None:  # never, with a pipe asked for
            return 1
        while True:
            ready, _, _ = select.select([pip.stdout], [], [], 1)
            line = pip.stdout.readline() if ready else None
            if line == "":
                break
            if line:
                last.append(line)
                progress.note(line)
            progress.show()
    if pip.returncode:
        sys.stderr.write("\n" + "".join(last))
        return pip.returncode
    progress.phase = "compiling"
    progress.show(final=not sys.stderr.isatty())
    with contextlib.redirect_stdout(io.StringIO()):  # it names files that are no Python of this version
        compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2, workers=os.cpu_count() or 1)
    progress.phase = "installed"
    progress.show(final=True)
    return 0


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1])))
