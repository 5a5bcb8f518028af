"""Drafts of control orders: what a person writes becomes what two officers sign."""

from __future__ import annotations

import pytest

from collector.registers.order_files import OrderFileError
from gate_contract.orders import DAY
from gate_contract.v1.decision_pb2 import ACTION_INSPECT
from gate_contract.v1.order_pb2 import Selector
from gate_contract.v1.passage_pb2 import DIRECTION_OUTBOUND
from tests.unit.collector.registers.office import DRAFT, drafted


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
            Selector(document=b"HN-1/CHN/E12345678".ljust(32)),
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
