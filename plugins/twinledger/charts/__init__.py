"""Charts: a picture of what was spent, for messages and pages.

What belongs here: values in, a PNG and its description in words out. What does not: books, the store, and where the
values come from.

Drawing (matplotlib) takes most of a second to import: it is loaded when the first picture is drawn.
"""

from twinledger.charts.budget import budget_chart
from twinledger.charts.curve import Curve
from twinledger.charts.picture import Picture
from twinledger.charts.series import series_chart

__all__ = ["Curve", "Picture", "budget_chart", "series_chart"]
