"""How many examples a property is tried on: some in a test run, thousands in `make soak`.

What belongs here: the one setting for properties that start an engine or a database for each example. What does not:
properties that are pure, for which hypothesis' own number is right.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("EXAMPLES_TIMES", "1"))
"""As many examples as a test run has, so many times."""


def examples(count: int) -> settings:
    """So many examples in a test run; fixtures of the module serve all of them, and none has a deadline."""
    return settings(max_examples=count * TIMES, deadline=None, suppress_health_check=list(HealthCheck))


def sequences(count: int, steps: int) -> settings:
    """As `examples`, of a state machine: each is of so many steps."""
    return settings(examples(count), stateful_step_count=steps)
