"""What becomes of an act that was handed over: counted, kept for later, or refused with the reason. Pure.

An act that an officer of this deployment signed is never thrown away because the gate does not know enough: where the
officer is not known here (a list that never came, or is old) it is recorded, it opens nothing, and it counts as soon as
the list comes. What can be told to be wrong at once (signature, authority, nothing to lift) is refused while the
officer is still there to hear it. The collector judges every recorded act again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import sha256

from google.protobuf.message import DecodeError

from edge_agent.desk.core import counts
from edge_agent.desk.state import MOST_ACTS, MOST_WAITING, Kept
from edge_agent.model.handed_act import Handed
from gate_contract.acts import ActError, OpenedAct, open_act, recorded_at
from gate_contract.hold_words import named
from gate_contract.holds import stand
from gate_contract.v1.act_pb2 import OfficerAct, SignedAct
from gate_contract.v1.evidence_pb2 import Evidence
from gate_contract.v1.order_pb2 import Officer


class Outcome(Enum):
    """What becomes of it; the value is what `gatectl` is told."""

    DONE = "done"
    """It holds; it counts here, or its passage is not kept here any more."""
    KNOWN = "known"
    """It was taken before."""
    RECORDED = "recorded"
    """It is kept and changes nothing here yet."""
    REFUSED = "refused"
    """It is not kept."""


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence in two languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Judged:
    """An outcome with its reason. `opened` is there when the signature holds; `signed` is what to record of it."""

    outcome: Outcome
    words: Words
    act: OfficerAct
    opened: OpenedAct | None = None
    signed: bytes = b""

    @property
    def is_forged(self) -> bool:
        """Whether somebody else than the officer it names seems to have signed it: that is alarmed."""
        return self.words is FORGED


_LONGEST_ID = 64

DONE = Words("Recorded.", "已记录。")
FORGED = Words(
    "The signature is not this officer's: use the key that belongs to the officer id, or name the right officer",
    "签名与该人员不符：请使用该人员编号对应的密钥，或改用正确的编号",
)
_UNREADABLE = Words("It is no officer's act: hand it over with gatectl", "不是有效的人员操作：请使用 gatectl 提交")
_KNOWN = Words("It was recorded before.", "此前已记录。")
_FULL = Words(
    "There are too many acts on this passage: call the supervisor, who decides at the collector",
    "该次通行的操作记录过多：请联系主管，由中心处理",
)
_NOT_HERE = Words(
    "This gate does not keep this passage (any more). See which it keeps: gatectl passages",
    "本闸口没有（或不再保留）该次通行。请查看：gatectl passages",
)
_ASIDE = Words(
    "Recorded. This gate does not keep the passage any more: the collector takes it from here.",
    "已记录。本闸口不再保留该次通行，由中心继续处理。",
)
_UNKNOWN = Words(
    "Recorded, and it opens nothing yet: this gate does not know the officer. It counts as soon as the list of "
    "officers comes from the collector. Until then an officer who is known decides, or the staffed lane takes them.",
    "已记录，但暂不生效：本闸口尚无该人员信息。收到中心的人员名单后自动生效。"
    "在此之前请由已登记的人员处理，或引导至人工通道。",
)


def judge(
    handed: Handed,
    site_id: str,
    officers: Mapping[str, Officer],
    find: Callable[[str], Kept | None],
    *,
    now_unix_ns: int = 0,
    spooled: bool = False,
) -> Judged:
    """Judge an act. `find` gives the passage that this gate keeps under a name.

    `now_unix_ns`: when it is handed over, nanoseconds since 1970-01-01T00:00:00Z. `spooled`: nobody waits for the
    answer, so that whatever holds is recorded, also when it can do nothing; it was done before now. What was done in
    an office that has ended since counts only for a while (gate_contract.acts): an officer who left could hand over an
    act with an earlier time.
    """
    try:
        handed = replace(handed, signed=recorded_at(handed.signed, now_unix_ns))
        act = OfficerAct.FromString(SignedAct.FromString(handed.signed).act)
    except DecodeError:
        return Judged(Outcome.REFUSED, _UNREADABLE, OfficerAct())
    judged = _judged(handed, act, site_id, officers, find(act.passage_id), now_unix_ns, spooled=spooled)
    return replace(judged, signed=handed.signed)


def _judged(
    handed: Handed,
    act: OfficerAct,
    site_id: str,
    officers: Mapping[str, Officer],
    kept: Kept | None,
    now_unix_ns: int,
    *,
    spooled: bool,
) -> Judged:
    if kept is not None and (counts(kept, act.act_id) or _waits(handed.signed, kept)):
        return Judged(Outcome.KNOWN, _KNOWN, act)
    if (misfit := _misfit(handed, act, site_id)) is not None:
        return Judged(Outcome.REFUSED, misfit, act)
    if act.officer_id not in officers:
        return _unknown(act, kept, spooled=spooled)
    judged = _known(handed, act, officers, kept, spooled=spooled)
    until = officers[act.officer_id].valid_until_unix_ns
    if judged.opened is not None and not spooled and 0 < until <= now_unix_ns:
        return Judged(Outcome.REFUSED, _not_in_office(act), act)  # who left could go on acting, with an earlier time
    return judged


def _waits(signed: bytes, kept: Kept) -> bool:
    """Whether this very act waits for its officer, whenever it was recorded."""
    mine, others = SignedAct.FromString(signed), map(SignedAct.FromString, kept.waiting)
    return any((each.act, each.signature) == (mine.act, mine.signature) for each in others)


def _known(
    handed: Handed, act: OfficerAct, officers: Mapping[str, Officer], kept: Kept | None, *, spooled: bool
) -> Judged:
    """Judge the act of an officer who is on the list."""
    try:
        opened = open_act(handed.signed, officers)
    except ActError as error:
        return Judged(Outcome.REFUSED, _why(act, officers[act.officer_id], error), act)
    words = _nothing_to_do(opened, kept)
    if words is None:
        return Judged(Outcome.DONE, DONE if kept is not None else _ASIDE, act, opened)
    return Judged(Outcome.RECORDED if spooled else Outcome.REFUSED, words, act, opened)


def photos_of(act: OfficerAct) -> list[Evidence]:
    """The pictures that an act names, in the order in which they are handed over."""
    return list(act.inspection.photos if act.WhichOneof("what") == "inspection" else act.override.photos)


def _misfit(handed: Handed, act: OfficerAct, site_id: str) -> Words | None:
    """What does not fit this gate or itself."""
    if not 0 < len(act.act_id) <= _LONGEST_ID or not act.passage_id or act.WhichOneof("what") is None:
        return _UNREADABLE
    if not act.reason.strip():
        return Words("It gives no reason: say why (--reason)", "没有填写原因：请用 --reason 说明")
    if act.site_id != site_id:
        return Words(
            f"It is for site {act.site_id!r}; this gate is at {site_id!r}",
            f"该操作属于站点 {act.site_id!r}，本闸口为 {site_id!r}",
        )
    if [photo.sha256 for photo in photos_of(act)] != [sha256(photo).digest() for photo in handed.photos]:
        return Words("The pictures are not those that the act names: take it anew", "照片与操作所列不符：请重新提交")
    return None


def _unknown(act: OfficerAct, kept: Kept | None, *, spooled: bool) -> Judged:
    if kept is None and not spooled:
        return Judged(Outcome.REFUSED, _NOT_HERE, act)
    if kept is not None and len(kept.waiting) == MOST_WAITING and not spooled:
        return Judged(Outcome.REFUSED, _FULL, act)
    return Judged(Outcome.RECORDED, _UNKNOWN, act)


def _why(act: OfficerAct, officer: Officer, error: ActError) -> Words:
    """Why an act of a known officer does not hold."""
    if "signature" in error.reason:
        return FORGED
    if officer.authority != act.authority:
        return Words(
            f"Officer {act.officer_id} acts for {officer.authority}, not for {act.authority}",
            f"人员 {act.officer_id} 属于{named(officer.authority)[1]}，不属于{named(act.authority)[1]}",
        )
    if "in office" in error.reason:
        return _not_in_office(act)
    return Words(f"It does not hold: {error.reason}", f"操作无效：{error.reason}")


def _not_in_office(act: OfficerAct) -> Words:
    return Words(
        f"Officer {act.officer_id} was not in office at that time: ask who keeps the list of officers, and look at "
        "this machine's clock",
        f"人员 {act.officer_id} 当时不在任：请联系名单管理员，并检查本机时钟",
    )


def _nothing_to_do(opened: OpenedAct, kept: Kept | None) -> Words | None:
    """Why an act that holds would change nothing that its officer means to change; None when it does."""
    what = opened.act.WhichOneof("what")
    if kept is None:
        return None if what == "inspection" else _NOT_HERE
    if len(kept.acts) == MOST_ACTS:
        return _FULL
    return _nothing_to_lift(opened, kept) if what == "lift" else None


def _nothing_to_lift(opened: OpenedAct, kept: Kept) -> Words | None:
    """A lift must settle something, and a hold under each code that it names."""
    before = kept.standing
    if before.released:
        return Words("Nothing is held any more: it is released", "已无拦截事项：该次通行已放行")
    after = stand(kept.decision, [*(known for _, known in kept.acts), opened], kept.earlier)
    settled = {now.code for was, now in zip(before.holds, after.holds, strict=True) if was.stands and not now.stands}
    missed = sorted(set(opened.act.lift.codes) - settled)
    if settled and not missed:
        return None
    english, chinese = named(opened.officer.authority)
    needs = [need for need in before.needs if need.authority]
    code = missed[0] if missed else ""
    if opened.act.at_unix_ns < kept.decision.decided_unix_ns and not opened.act.lift.codes:
        codes = ", ".join(dict.fromkeys(hold.code for hold in before.holds if hold.stands))
        return Words(
            f"This is older than the decision, by this machine's clock: look again, and name what is lifted ({codes})",
            f"按本机时钟，该操作早于判定：请重新核对，并用 --code 写明要解除的项目（{codes}）",
        )
    return Words(
        f"{english} lifts nothing by this{code and f' under {code}'}. What would release it: "
        f"{' '.join(need.en for need in needs)}",
        f"{chinese}的此项操作不能解除任何拦截{code and f'（{code}）'}。放行条件：{''.join(need.zh for need in needs)}",
    )
