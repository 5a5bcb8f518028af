"""Control orders at the collector: who may sign what, and what is entered."""

from __future__ import annotations

import pytest

from collector.errors import CollectorError
from collector.registers import orders as register
from collector.registers.reading import latest
from gate_contract.orders import DAY, OrderError
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_INSPECT
from gate_contract.v1.order_pb2 import ControlOrder, Selector, SignedOrder
from tests.unit.collector.collected import DEPLOYMENT
from tests.unit.collector.registers.office import HOUR, KEYS, Office, signed


def test_an_order_of_two_officers_is_entered_and_stands(office: Office) -> None:
    data = signed(office.order())
    opened, entered = office.hand_in(data)
    assert (opened.author, opened.approver, opened.standing) == ("wang", "li", "active")
    assert entered is not None
    assert (entered.key, entered.version) == ("HK-17", 1)
    with office.store.read() as connection:
        item = latest(connection, pb.ITEM_KIND_ORDER)["HK-17"]
    assert (item.body, item.site_id) == (data, "")
    assert item.expires_unix_ns == office.now_ns + DAY + register.KEPT_AFTER_EXPIRY_NS
    assert office.hand_in(data)[1] is None
    assert office.standing() == {"HK-17": "active"}
    assert office.standing(office.now_ns + DAY) == {"HK-17": "expired"}
    assert office.standing(office.now_ns - 1) == {"HK-17": "waiting"}


def test_one_person_cannot_sign_twice() -> None:
    order = ControlOrder(
        format=1,
        order_id="HK-17",
        version=1,
        authority="customs",
        legal_basis="law",
        issued_unix_ns=1,
        valid_from_unix_ns=1,
        expires_unix_ns=2,
        selectors=[Selector(plate="琼A1")],
        action=ACTION_HOLD,
    )
    once = SignedOrder(order=order.SerializeToString()).SerializeToString()
    once = register.add_signature(once, "f", "author", "wang", KEYS["wang"])
    for name, key in (("wang", "li"), ("li", "wang")):
        with pytest.raises(CollectorError, match="wang has signed it as author already"):
            register.add_signature(once, "f", "approver", name, KEYS[key])
    again = register.add_signature(once, "f", "author", "li", KEYS["li"])
    assert SignedOrder.FromString(again).author.officer_id == "li"


def test_what_no_gate_would_follow_is_not_signed() -> None:
    order = SignedOrder(order=ControlOrder(format=1, order_id="HK-17", version=1).SerializeToString())
    with pytest.raises(CollectorError, match="cannot be signed: it names no legal basis"):
        register.add_signature(order.SerializeToString(), "f", "author", "wang", KEYS["wang"])
    for garbage in (b"\xff", b"", SignedOrder().SerializeToString()):
        with pytest.raises(CollectorError, match="f is no order"):
            register.add_signature(garbage, "f", "author", "wang", KEYS["wang"])


@pytest.mark.parametrize(
    ("author", "approver", "reason"),
    [
        ("stranger", "li", "its author 'stranger' is no officer"),
        ("wang", "chen", "its approver chen acts for 'police', not for 'customs'"),
    ],
)
def test_an_order_whose_signatures_do_not_hold_is_refused_with_the_reason(
    office: Office, author: str, approver: str, reason: str
) -> None:
    with pytest.raises(OrderError, match=reason):
        office.enter(office.order(), author, approver)
    assert office.standing() == {}


@pytest.mark.parametrize("right", ["author", "approver"])
def test_officers_do_only_what_they_may(office: Office, right: str) -> None:
    office.add("wang", author=right != "author")
    office.add("li", approver=right != "approver")
    with pytest.raises(OrderError, match="may not"):
        office.enter(office.order())


def test_a_changed_byte_is_refused(office: Office) -> None:
    data = SignedOrder.FromString(signed(office.order()))
    data.order = office.order(action=ACTION_INSPECT).SerializeToString(deterministic=True)
    with pytest.raises(OrderError, match="signature of its author wang does not hold"):
        office.hand_in(data.SerializeToString())


def test_an_order_that_is_over_or_of_the_future_is_not_entered(office: Office) -> None:
    with pytest.raises(CollectorError, match="has expired"):
        office.enter(office.order(valid_from_unix_ns=office.now_ns - DAY, expires_unix_ns=office.now_ns))
    ahead = office.now_ns + register.AHEAD_NS
    with pytest.raises(CollectorError, match="given in the future"):
        office.enter(office.order(issued_unix_ns=ahead + 1))
    assert office.enter(office.order(issued_unix_ns=ahead))[1] is not None


def test_an_officer_who_left_cannot_backdate_an_order_but_what_they_gave_before_stands(office: Office) -> None:
    office.enter(office.order())
    backdated = office.order(order_id="HK-18", issued_unix_ns=office.now_ns - HOUR)
    office.end("li", office.now_ns)
    assert office.standing() == {"HK-17": "refused"}  # given in the very moment in which the office ended
    with pytest.raises(CollectorError, match="the approver li is not in office any more"):
        office.enter(backdated)


def test_an_order_given_before_the_office_ended_stands(office: Office) -> None:
    office.enter(office.order())
    office.end("li", office.now_ns + 1)
    assert office.standing(office.now_ns + HOUR) == {"HK-17": "active"}


def test_an_order_is_lifted_by_a_version_of_two_officers_and_not_twice(office: Office) -> None:
    office.enter(office.order())
    with office.store.read() as connection:
        lifting = register.lifted(connection, DEPLOYMENT, "HK-17", " found nothing ", office.now_ns + HOUR)
        with pytest.raises(CollectorError, match="for a reason"):
            register.lifted(connection, DEPLOYMENT, "HK-17", " ", office.now_ns)
        with pytest.raises(CollectorError, match="no order 'HK-18'"):
            register.lifted(connection, DEPLOYMENT, "HK-18", "why", office.now_ns)
    assert (lifting.version, lifting.lifted, lifting.lift_reason) == (2, True, "found nothing")
    assert lifting.deployment == DEPLOYMENT
    office.now = office.now.replace(hour=10)
    office.enter(lifting, "li", "wang")
    assert office.standing() == {"HK-17": "lifted"}
    with office.store.read() as connection:
        assert register.next_version(connection, "HK-17") == 3
        with pytest.raises(CollectorError, match="lifted already"):
            register.lifted(connection, DEPLOYMENT, "HK-17", "why", office.now_ns)


def test_an_order_of_another_deployment_or_of_none_is_not_entered(office: Office) -> None:
    with pytest.raises(OrderError, match="it is given in the deployment 'trial', not in this one"):
        office.enter(office.order(deployment="trial"))
    with pytest.raises(CollectorError, match="does not say in which deployment it is given"):
        office.enter(office.order(deployment=""))


def test_versions_follow_each_other_and_belong_to_one_authority(office: Office) -> None:
    with pytest.raises(CollectorError, match="not known, and this is version 2"):
        office.enter(office.order(version=2))
    with pytest.raises(CollectorError, match="to be lifted"):
        office.enter(office.order(lifted=True, lift_reason="why"))
    office.enter(office.order())
    for version in (1, 3):
        with pytest.raises(CollectorError, match=f"has version 1, and this is version {version}"):
            office.enter(office.order(version=version, action=ACTION_INSPECT))
    office.add("zhao", key="stranger", authority="police")
    KEYS["zhao"] = KEYS["stranger"]
    with pytest.raises(CollectorError, match="is one of customs"):
        office.enter(office.order(version=2, authority="police"), "zhao", "chen")


def test_a_draft_that_nobody_could_sign_is_refused_at_once(office: Office) -> None:
    with office.store.read() as connection:
        register.check_authority(connection, "customs", office.now_ns)
        with pytest.raises(CollectorError, match=r"no officer in office acts for 'custms'.*customs, police"):
            register.check_authority(connection, "custms", office.now_ns)
        with pytest.raises(CollectorError, match="police has no two officers"):
            register.check_authority(connection, "police", office.now_ns)
