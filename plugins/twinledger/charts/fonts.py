"""Which letters can be drawn: Noto Sans with Chinese, Japanese and Korean, then DejaVu Sans.

What belongs here: fonts. What does not: sizes and colours. Both fonts come with packages that are installed, so that a
picture is the same on a machine that has no fonts of its own.
"""

from __future__ import annotations

from functools import cache

CHINESE, OTHERS = "Noto Sans CJK SC", "DejaVu Sans"
"""The first has Latin, Greek, Cyrillic and Chinese with its simplified forms; the other Arabic, Hebrew and symbols."""


@cache
def families() -> tuple[str, ...]:
    """The names of the fonts, in the order in which a letter is looked for; they are made known once a process."""
    from matplotlib import font_manager  # noqa: PLC0415 - see the package
    from noto_cjk_sans_otc import FONT_PATH  # noqa: PLC0415 - likewise

    font_manager.fontManager.addfont(str(FONT_PATH))
    return (CHINESE, OTHERS)


def drawable(text: str) -> str:
    """The text without letters that no font has, as emoji: they would be drawn as boxes."""
    return " ".join("".join(letter for letter in text if _is_drawn(letter)).split())


def _is_drawn(letter: str) -> bool:
    from matplotlib import font_manager  # noqa: PLC0415 - see the package

    wanted = (font_manager.FontProperties(family=[name]) for name in families())
    files = (font_manager.findfont(one, fallback_to_default=False) for one in wanted)
    return any(font_manager.get_font(file).get_char_index(ord(letter)) for file in files)
