"""The text of a plate in one spelling, whatever the camera's. Pure."""

from __future__ import annotations

import re

MAX_PLATE_CHARS = 32  # the maker's document gives licensePlate 1 to 32 characters

_SEPARATORS = re.compile(r"[\s·•∙‧・･●.\-‐-―−\u200b-\u200f\ufeff]+")
# Full width to half width: ！ to ～ are ! to ~, in the same order.
_WIDE = re.compile("[\uff01-\uff5e]")
_HALF_WIDTH = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_NO_PLATE = frozenset({"", "UNKNOWN", "NOPLATE", "无车牌", "无牌", "无牌车", "未知", "未识别", "车牌未识别"})
# Cameras for mainland China write the plate's colour before it: 蓝浙AX2P12 is the blue plate 浙AX2P12. 黑 is both the
# colour black and the province Heilongjiang; it is the colour only before another Chinese character.
_COLOUR = re.compile(r"\A(?:黄绿|渐变绿|[蓝黄白绿]|黑(?=[\u4e00-\u9fff]))(?=.{5})")


def normal_plate(written: str) -> str | None:
    """The plate without spaces, separators and the colour before it, half width, upper case.

    Returns:
        None for what cameras write when a vehicle has no plate or it was not read: nothing, dashes, `unknown` (not
        read) and `noPlate` (has none; both in the maker's ISAPI document, ANPR/licensePlate), 无车牌 and its like.
    """
    half_width = written.translate(_HALF_WIDTH) if _WIDE.search(written) else written
    text = (half_width if half_width.isalnum() else _SEPARATORS.sub("", half_width)).upper()
    return None if text in _NO_PLATE else _COLOUR.sub("", text)
