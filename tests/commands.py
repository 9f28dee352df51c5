"""Commands as people and scripts run them, in this process.

What belongs here: running one, and what it says as JSON. What does not: a deployment to run it on.
"""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner, Result

from twinledger.cli import app


def run(*arguments: str) -> Result:
    """Run `twinledger` with these arguments."""
    return CliRunner().invoke(app, list(arguments))


def said(*arguments: str, exit_code: int = 0) -> Any:  # noqa: ANN401 - whatever JSON the command prints
    """What it prints with `--json`; it has to end with this code."""
    result = run(*arguments, "--json")
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)
