from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.servers import Aws, running_aws, use_made_up_credentials


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Aws]:
    """AWS on loopback; credentials for it are in the environment."""
    use_made_up_credentials(monkeypatch, tmp_path)
    with running_aws() as server:
        yield server
