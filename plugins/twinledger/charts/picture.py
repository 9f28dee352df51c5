"""A picture as a value, and the colours of all of them.

What belongs here: what is the same in every chart. What does not: what one shows (`budget`, `series`).

A message is read in a light and in a dark room, and a PNG cannot know which: a picture is a card with a ground of its
own and a line around it. On that ground words have a contrast of 4.5 : 1 and lines and marks of 3 : 1, as WCAG 2.2
asks (https://www.w3.org/TR/WCAG22/#contrast-minimum, #non-text-contrast); blue and vermilion stay apart for all who see
fewer colours, and each line has a stroke of its own besides.
"""

from __future__ import annotations

from dataclasses import dataclass

WIDTH, HEIGHT = 1200, 675
"""Pixels; a phone shows a picture about 360 wide, so that letters of 35 pixels are 10 there."""

GROUND = "#ffffff"
EDGE = "#8a94a3"
"""Around the card: seen on white and on Slack's dark ground."""
INK = "#1d2430"
SOFT = "#4d5766"
GRID = "#d9dee6"
ACTUAL = "#0b5cad"
EXPECTED = "#0b5cad"
BAND = "#cfe1f5"
BAND_EDGE = "#5b8fc7"
PLAN = "#b8401c"
MARKED = "#fbe3d3"
"""Behind the days that are not as expected; the points in it are of the colour of `PLAN`."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and what it says for those who do not see it."""

    png: bytes
    alt: str
    """Plain words with every figure that the picture shows, at most 1,000 letters."""
    width: int = WIDTH
    height: int = HEIGHT
