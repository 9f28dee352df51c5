"""The pages of Great Expectations' Data Docs, with their templates compiled once in a process.

What belongs here: how pages are put into HTML. What does not: which pages there are (`checkpoint`). Import this
module late, as that one: it takes seconds.

Great Expectations makes a new Jinja environment for each section of each site that it builds, and so compiles some
fifty templates anew at each run of a gate: a quarter of the time of a run.
"""

from __future__ import annotations

from types import CodeType
from typing import Any

from great_expectations.render.view.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class _Compiled(BytecodeCache):
    """Compiled templates, kept in memory: none is read from a file that somebody else may have written."""

    def __init__(self) -> None:
        """Nothing is compiled yet."""
        self._kept: dict[str, tuple[str, CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket of a template whose source is as it was when it was compiled."""
        checksum, code = self._kept.get(bucket.key, ("", None))
        bucket.code = code if checksum == bucket.checksum else None

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        if bucket.code is not None:
            self._kept[bucket.key] = (bucket.checksum, bucket.code)


_COMPILED = _Compiled()


class PageView(DefaultJinjaPageView):
    """A page of a suite or of a run."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - handed through
        """As Great Expectations makes it from a site's configuration."""
        super().__init__(**options)
        self.env.bytecode_cache = _COMPILED


class IndexView(DefaultJinjaIndexPageView):
    """The page that lists the others."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - handed through
        """As above."""
        super().__init__(**options)
        self.env.bytecode_cache = _COMPILED


def section() -> dict[str, Any]:
    """The configuration of a site's section whose pages are `PageView`s."""
    return {"view": {"module_name": __name__, "class_name": PageView.__name__}}


def index() -> dict[str, Any]:
    """The configuration of a site's index."""
    view = {"module_name": __name__, "class_name": IndexView.__name__}
    return {"class_name": "DefaultSiteIndexBuilder", "view": view}
