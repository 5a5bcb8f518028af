"""What would let a stopped passage go, in words for the people in front of it: English and 简体中文. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_INSPECT, ACTION_REVIEW, Action

AUTHORITIES: Final = {
    "customs": ("Customs", "海关"),
    "border": ("Border inspection", "边检机关"),
    "police": ("Police", "公安机关"),
    "maritime": ("Maritime administration", "海事机构"),
    "quarantine": ("Quarantine", "检疫机构"),
}
"""Authorities as officers and orders name them, and as a person reads them; any other is shown as it is written."""

STAFFED_LANE: Final = (
    "At any time it may go to the staffed lane, where a person decides.",
    "可随时转至人工通道，由工作人员处理。",
)
"""Nobody is refused by a machine: this is always offered."""


def named(authority: str) -> tuple[str, str]:
    """An authority in English and Chinese."""
    return AUTHORITIES.get(authority.casefold(), (authority, authority)) if authority else ("An authority", "主管机关")


def what_to_do(authority: str, action: Action.ValueType, codes: Sequence[str]) -> tuple[str, str]:
    """One full sentence in each language: who must do what, so that these findings stop the passage no longer."""
    english, chinese = named(authority)
    listed = ", ".join(dict.fromkeys(codes))
    chinese_list = "、".join(dict.fromkeys(codes))
    sentences = {
        ACTION_HOLD: (
            f"{english} must lift the hold ({listed}): an officer of theirs gives a name and a reason.",
            f"须由{chinese}解除拦截（{chinese_list}）：由其执法人员署名并说明理由。",
        ),
        ACTION_INSPECT: (
            f"{english} must inspect it ({listed}): an officer of theirs records what the inspection found.",
            f"须由{chinese}查验（{chinese_list}）：由其执法人员记录查验结果。",
        ),
        ACTION_REVIEW: (
            f"{english} must look at it ({listed}): an officer of theirs says what was seen and lifts it.",
            f"须由{chinese}人工核查（{chinese_list}）：由其执法人员核实后予以确认。",
        ),
    }
    return sentences[action]
