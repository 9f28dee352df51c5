"""A transaction on an Iceberg table that works out what the table would be once for each change.

What belongs here: that. What does not: what is changed, which is the lake's.

PyIceberg's own copies the whole of a table's metadata, which grows with each slice, whenever a step of a commit
looks at it: some twenty times.
"""

from __future__ import annotations

from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata


class CachedTransaction(Transaction):
    """As PyIceberg's; what it says of the table is to be read and never changed."""

    def __init__(self, table: Table) -> None:
        """Nothing is changed yet."""
        super().__init__(table)
        self._seen: tuple[tuple[object, ...], TableMetadata, TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        """The table with the changes so far."""
        before, changes = self._table.metadata, self._updates
        if self._seen is None or self._seen[0] is not changes or self._seen[1] is not before:
            self._seen = (changes, before, super().table_metadata)
        return self._seen[2]
