"""The sample company and an empty deployment for the benchmark.

python -m tests.bench.set_up FOLDER SCALE
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import duckdb

from tests.bench.stages import bill_readers, settings_of
from twinledger.catalog import apply_config, load_config
from twinledger.clock import SystemClock
from twinledger.deployment import prepare
from twinledger.sample import write_sample
from twinledger.store import Store


def set_up(folder: Path, scale: float) -> None:
    """Empty the folder, fill it, and write down how many bill lines there are."""
    shutil.rmtree(folder, ignore_errors=True)
    company = folder / "company"
    write_sample(company, seed=7, months=3, scale=scale)
    settings = settings_of(folder)
    prepare(settings)
    store = Store(settings.database_url)
    apply_config(store, load_config(company / "config"), SystemClock())
    store.close()
    with duckdb.connect() as connection:
        counts = [connection.execute(f"SELECT COUNT(*) FROM {reader}").fetchall() for reader in bill_readers(folder)]
    (folder / "rows.txt").write_text(str(sum(int(count[0][0]) for count in counts)))


if __name__ == "__main__":
    set_up(Path(sys.argv[1]), float(sys.argv[2]))
