"""The text of a plate in one spelling, whatever the camera's. Pure."""

from __future__ import annotations

import re

MAX_PLATE_CHARS = 32  # the maker's document gives licensePlate 1 to 32 characters

_SEPARATORS = re.compile(r"[\s·•∙‧・･●.\-‐-―−\u200b-\u200f\ufeff]+")
# Full width to half width: ！ to ～ are ! to ~, in the same order.
_WIDE = re.compile("[\uff01-\uff5e]")
_HALF_WIDTH = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
# What cameras write for "has none" and "not read". What stands around and between the letters is not looked at
# (<unknown>, not_read), but NA alone may be a part of a plate.
_NO_PLATE = frozenset({
    "", "UNKNOWN", "NOPLATE", "UNLICENSED", "UNRECOGNIZED", "UNRECOGNISED", "NOTREAD", "UNREAD", "NULL", "NONE", "N/A",
    "无车牌", "无牌", "无牌车", "未知", "未识别", "车牌未识别",
})  # fmt: skip
_MARKS = re.compile(r"[\W_]+")
# Cameras for mainland China write the plate's colour before it: 蓝浙AX2P12 is the blue plate 浙AX2P12. 黑 is both the
# colour black and the province Heilongjiang; it is the colour only before another Chinese character.
_COLOUR = re.compile(r"\A(?:黄绿|渐变绿|[蓝黄白绿]|黑(?=[\u4e00-\u9fff]))(?=.{5})")


def normal_plate(written: str) -> str | None:
    """The plate without spaces, separators and the colour before it, half width, upper case.

    Returns:
        None for what cameras write when a vehicle has no plate or it was not read: nothing, no letter and no digit,
        `unknown` (not read) and `noPlate` (has none; both in Hikvision's ISAPI document, ANPR/licensePlate),
        `unlicensed` (Dahua), `NOT_READ` (Tattile), 无车牌 and its like.
    """
    half_width = written.translate(_HALF_WIDTH) if _WIDE.search(written) else written
    is_plain = half_width.isalnum()
    text = (half_width if is_plain else _SEPARATORS.sub("", half_width)).upper()
    if text in _NO_PLATE or (not is_plain and _MARKS.sub("", text) in _NO_PLATE):
        return None
    return _COLOUR.sub("", text)
