"""Documents with anything at any place, for readers that must refuse them by name."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st


def changed_anywhere(document: dict[str, Any], data: st.DataObject, anything: st.SearchStrategy[Any]) -> dict[str, Any]:
    """A copy of a document of JSON in which one place, however deep, holds something else."""
    changed = deepcopy(document)
    node: Any = changed
    while True:
        step = data.draw(st.sampled_from(list(range(len(node)) if isinstance(node, list) else node)))
        if not isinstance(node[step], dict | list) or not node[step] or data.draw(st.booleans()):
            break
        node = node[step]
    node[step] = data.draw(anything)
    return changed
