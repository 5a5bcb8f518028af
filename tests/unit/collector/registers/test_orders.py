from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.declarations.values import UnfitError
from collector.errors import CollectorError
from collector.registers import officers as officer_register
from collector.registers import orders as register
from collector.registers.intake import Entered
from collector.registers.officer_keys import as_text, load_key, make_key, read_public_key
from collector.registers.order_files import OrderFileError, read_draft
from collector.registers.reading import latest, officers
from gate_contract.orders import DAY, Opened, OrderError, Role
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_INSPECT
from gate_contract.v1.order_pb2 import ControlOrder, Officer, Selector, SignedOrder
from gate_contract.v1.passage_pb2 import DIRECTION_OUTBOUND
from tests.unit.collector.collected import Collected

HOUR = DAY // 24
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in ("wang", "li", "chen", "stranger")
}

DRAFT = """
order_id = "HK-17"
authority = "customs"
legal_basis = "Customs Law, article 6"
valid_from = 2026-03-01T18:00:00+08:00
expires = 2026-03-08T18:00:00+08:00
sites = ["xinhai"]
direction = "outbound"
action = "inspect"
instruction = "Open the trailer and count the drums."
instruction_zh = "打开挂车并清点桶数。"

[[about]]
plate = "琼a·12345"
[[about]]
container = "csqu3054383"
[[about]]
declaration = "D-1"
[[about]]
hs_prefix = "2204"
[[about]]
declarant = "91460100MA5T0001XA"
[[about]]
document = { sailing = "HN-1", issuer = "CHN", number = "E 1234 5678" }
"""


def pseudonyms(*document: str) -> bytes:
    if document[0] != "HN-1":
        raise UnfitError(f"the sailing {document[0]} is not known")
    return "/".join(document).encode()


def drafted(text: str = DRAFT, now: int = 0) -> ControlOrder:
    return read_draft(text, lambda _order_id: 1, pseudonyms, now)


class Office(Collected):
    """A collector with three officers: two of customs, one of the police."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        for name, authority in (("wang", "customs"), ("li", "customs"), ("chen", "police")):
            self.add(name, authority=authority)

    def add(self, name: str, key: str = "", **changed: Any) -> Entered | None:
        fields: dict[str, Any] = {"authority": "customs", "author": True, "approver": True} | changed
        public = KEYS[key or name].public_key().public_bytes_raw()
        officer = Officer(officer_id=name, public_key=public, **fields)
        with self.store.write() as connection:
            return officer_register.add(connection, self.ledger, officer, self.now_ns)

    def end(self, name: str, at: int) -> Officer:
        with self.store.write() as connection:
            return officer_register.end(connection, self.ledger, name, at, self.now_ns)

    def order(self, **changed: Any) -> ControlOrder:
        fields: dict[str, Any] = {
            "format": 1,
            "order_id": "HK-17",
            "version": 1,
            "authority": "customs",
            "legal_basis": "Customs Law, article 6",
            "issued_unix_ns": self.now_ns,
            "valid_from_unix_ns": self.now_ns,
            "expires_unix_ns": self.now_ns + DAY,
            "selectors": [Selector(plate="琼A12345")],
            "action": ACTION_HOLD,
        } | changed
        return ControlOrder(**fields)

    def enter(self, order: ControlOrder, author: str = "wang", approver: str = "li") -> tuple[Opened, Entered | None]:
        return self.hand_in(signed(order, author, approver))

    def hand_in(self, data: bytes) -> tuple[Opened, Entered | None]:
        with self.store.write() as connection:
            return register.enter_order(connection, self.ledger, data, self.now_ns)

    def standing(self, at: int | None = None) -> dict[str, str]:
        with self.store.read() as connection:
            known = register.known_orders(connection, self.now_ns if at is None else at)
        return {each.order.order_id: each.standing for each in known}


def signed(order: ControlOrder, author: str = "wang", approver: str = "li") -> bytes:
    data = SignedOrder(order=order.SerializeToString(deterministic=True)).SerializeToString()
    roles: tuple[tuple[Role, str], ...] = (("author", author), ("approver", approver))
    for role, name in roles:
        data = register.add_signature(data, "the file", role, name, KEYS[name])
    return data


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def test_a_draft_says_everything_that_an_order_says() -> None:
    order = drafted(now=1_772_000_000_000_000_000)
    assert (order.order_id, order.version, order.authority) == ("HK-17", 1, "customs")
    assert order.legal_basis == "Customs Law, article 6"
    assert order.issued_unix_ns == 1_772_000_000_000_000_000
    assert order.expires_unix_ns - order.valid_from_unix_ns == 7 * DAY
    assert (list(order.site_ids), order.direction, order.action) == (["xinhai"], DIRECTION_OUTBOUND, ACTION_INSPECT)
    assert order.instruction_zh == "打开挂车并清点桶数。"
    assert [str(selector).strip() for selector in order.selectors] == [
        str(selector).strip()
        for selector in (
            Selector(plate="琼A12345"),
            Selector(container="CSQU3054383"),
            Selector(declaration_id="D-1"),
            Selector(hs_prefix="2204"),
            Selector(declarant_id="91460100MA5T0001XA"),
            Selector(document=b"HN-1/CHN/E12345678"),
        )
    ]


def test_without_a_beginning_an_order_is_in_force_from_now_on() -> None:
    text = DRAFT.replace("valid_from = 2026-03-01T18:00:00+08:00", "")
    now = 1_772_000_000_000_000_000
    assert drafted(text, now).valid_from_unix_ns == now


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('order_id = "HK-17"', "order_id = ", "no TOML"),
        ('authority = "customs"', "", "authority: missing"),
        ('authority = "customs"', 'autority = "customs"', "autority: unknown key; did you mean authority?"),
        ('order_id = "HK-17"', 'order_id = "HK 17"', "order_id: "),
        ('legal_basis = "Customs Law, article 6"', 'legal_basis = ""', "legal_basis: "),
        ('legal_basis = "Customs Law, article 6"', 'legal_basis = "  "', "it names no legal basis"),
        ("2026-03-08T18:00:00+08:00", "2026-03-08T18:00:00", "expires '2026-03-08T18:00:00' cannot be taken"),
        ("2026-03-08T18:00:00+08:00", "2027-03-08T18:00:00+08:00", "more than 366 days"),
        ("2026-03-08T18:00:00+08:00", "2026-03-01T17:00:00+08:00", "from when until when"),
        ('"inspect"', '"release"', "action: "),
        ('["xinhai"]', '["xin hai"]', "cannot be a site"),
        ('hs_prefix = "2204"', 'hs_prefix = "2"', "about.4.hs_prefix '2' cannot be taken"),
        ('hs_prefix = "2204"', 'hs_prefix = "2204"\nplate = "琼A1"', "about.4 names 2 things"),
        ('hs_prefix = "2204"', 'hs_prefx = "2204"', "about.4.hs_prefx: unknown key; did you mean hs_prefix?"),
        ('container = "csqu3054383"', 'container = "csqu3054384"', "should be 3"),
        ('sailing = "HN-1"', 'sailing = "HN-9"', "the sailing HN-9 is not known"),
        ('issuer = "CHN", ', "", "about.6.document.issuer: missing"),
        ('plate = "琼a·12345"', 'plate = ""', "is empty"),
    ],
)
def test_what_is_wrong_with_a_draft_is_told_by_its_key(before: str, after: str, told: str) -> None:
    assert before in DRAFT
    with pytest.raises(OrderFileError) as refused:
        drafted(DRAFT.replace(before, after, 1))
    assert told in str(refused.value)


def test_a_wrong_document_number_is_not_repeated() -> None:
    with pytest.raises(OrderFileError, match=r"about\.6\.document\.number cannot be taken") as refused:
        drafted(DRAFT.replace("E 1234 5678", "E?1234"))
    assert "1234" not in str(refused.value)


def test_an_order_that_would_be_over_when_it_is_given_is_refused() -> None:
    with pytest.raises(OrderFileError, match="over before it is given"):
        drafted(now=1_790_000_000_000_000_000)


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
        lifting = register.lifted(connection, "HK-17", " found nothing ", office.now_ns + HOUR)
        with pytest.raises(CollectorError, match="for a reason"):
            register.lifted(connection, "HK-17", " ", office.now_ns)
        with pytest.raises(CollectorError, match="no order 'HK-18'"):
            register.lifted(connection, "HK-18", "why", office.now_ns)
    assert (lifting.version, lifting.lifted, lifting.lift_reason) == (2, True, "found nothing")
    office.now = office.now.replace(hour=10)
    office.enter(lifting, "li", "wang")
    assert office.standing() == {"HK-17": "lifted"}
    with office.store.read() as connection:
        assert register.next_version(connection, "HK-17") == 3
        with pytest.raises(CollectorError, match="lifted already"):
            register.lifted(connection, "HK-17", "why", office.now_ns)


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


def test_an_id_keeps_its_key_and_authority_and_a_key_its_id(office: Office) -> None:
    for changed, what in (({"key": "stranger"}, "key"), ({"authority": "police"}, "authority")):
        with pytest.raises(CollectorError, match=f"the officer wang has another {what}"):
            office.add("wang", **changed)
    with pytest.raises(CollectorError, match="already that of the officer wang"):
        office.add("zhou", key="wang")
    assert office.add("wang") is None
    changed_rights = office.add("wang", author=False)
    assert changed_rights is not None
    assert changed_rights.version == 2


@pytest.mark.parametrize(
    ("officer_id", "changed", "told"),
    [
        ("王伟", {}, "cannot be an officer's id"),
        ("zhou", {"authority": "海关 customs"}, "cannot be an officer's authority"),
        ("zhou", {"valid_until_unix_ns": 5}, "is over already"),
        ("zhou", {"valid_from_unix_ns": 2 << 61, "valid_until_unix_ns": 1 << 61}, "end before it begins"),
    ],
)
def test_officers_that_cannot_be_are_refused(
    office: Office, officer_id: str, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(CollectorError, match=told):
        office.add(officer_id, key="stranger", **changed)


def test_an_office_ends_once_and_never_later(office: Office) -> None:
    office.end("li", office.now_ns + HOUR)
    office.end("li", office.now_ns)
    with pytest.raises(CollectorError, match="earlier end already"):
        office.end("li", office.now_ns + HOUR)
    with pytest.raises(CollectorError, match="no officer 'zhou'"):
        office.end("zhou", office.now_ns)
    with office.store.read() as connection:
        assert officers(connection)["li"].valid_until_unix_ns == office.now_ns


def test_a_key_is_made_once_and_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    file = tmp_path / "wang.key"
    public = make_key(file, "correct horse battery")
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"ENCRYPTED" in file.read_bytes()
    assert load_key(file, "correct horse battery").public_key().public_bytes_raw() == public
    with pytest.raises(CollectorError, match="does not open"):
        load_key(file, "incorrect horse")
    with pytest.raises(CollectorError, match="there already"):
        make_key(file, "correct horse battery")
    with pytest.raises(CollectorError, match="shorter than 12"):
        make_key(tmp_path / "other.key", "short")
    with pytest.raises(CollectorError, match="cannot be read"):
        load_key(tmp_path / "none.key", "correct horse battery")


def test_a_key_without_passphrase_or_of_another_kind_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "key"
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.write_bytes(KEYS["wang"].private_bytes(pem, pkcs8, serialization.NoEncryption()))
    with pytest.raises(CollectorError, match="under no passphrase"):
        load_key(file, "correct horse battery")
    other = ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(other.private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"correct horse battery")))
    with pytest.raises(CollectorError, match="no Ed25519 key"):
        load_key(file, "correct horse battery")


def test_a_public_key_is_taken_as_text_or_from_a_file(tmp_path: Path) -> None:
    key = KEYS["wang"].public_key()
    raw = key.public_bytes_raw()
    assert read_public_key(as_text(raw)) == raw
    file = tmp_path / "wang.pub"
    file.write_text(as_text(raw) + "\n", encoding="ascii")
    assert read_public_key(str(file)) == raw
    file.write_bytes(key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    assert read_public_key(str(file)) == raw
    for wrong in ("", "wang", as_text(raw[:31]), str(tmp_path / "none")):
        with pytest.raises(CollectorError, match="no public key of an officer"):
            read_public_key(wrong)
