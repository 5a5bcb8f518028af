"""Documents taken apart into what their form has in common and their values."""

from __future__ import annotations

import re

import pytest

from edge_agent.drivers.plate.leaves import Leaf, pieces, unescaped
from edge_agent.drivers.plate.parts import Form

FIXED = frozenset({"@name", "objecttype"})


def values(form: Form, text: str) -> list[str] | None:
    found = pieces(form, text, FIXED)
    if found is None:
        return None
    assert "".join(each if isinstance(each, str) else each.text for each in found) == text
    return [each.text for each in found if isinstance(each, Leaf)]


@pytest.mark.parametrize(
    ("form", "text", "found"),
    [
        ("xml", '<E v="2.0">\r\n<a>1</a><b/><c> x y </c><d></d></E>', ["2.0", "1", "x y"]),
        ("xml", '<E><Item Name="Plate" Value="A1"/><ObjectType>Plate</ObjectType></E>', ["A1"]),
        ("xml", "<t:E xmlns:t='u'><t:a>A & B &amp; C</t:a></t:E>", ["u", "A & B &amp; C"]),
        ("json", '{"a": "1", "b": [2, -3.5, ""], "c": null, "ObjectType": "Plate"}', ["1", "2", "-3.5"]),
        ("json", '{"a": "\\u4eacA1"}', ["\\u4eacA1"]),
        ("json", '{"Plate": {"@Likelihood": 0.95, "#text": "A1"}}', ["0.95", "A1"]),
        ("json", '{"ObjectType": {"@a": "1", "#text": "Plate"}, "b": [{"ObjectType": "x"}, "2"]}', ["1", "2"]),
        ("dahua", 'Code=X;action=Pulse;index=0;data={"a": 1}', ["X", "Pulse", "0", "1"]),
        ("dahua", "Code=Heartbeat;action=", ["Heartbeat"]),
        ("pairs", "a[0].b=1\r\na[0].ObjectType=Plate\r\na[1].b= x", ["1", "x"]),
    ],
)
def test_the_values_of_a_plain_document(form: Form, text: str, found: list[str]) -> None:
    assert values(form, text) == found


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("xml", "<E><!-- x --></E>"),
        ("xml", "<E><![CDATA[A1]]></E>"),
        ("xml", "<E>text<a>1</a></E>"),
        ("xml", "<E><a>&#10;</a></E>"),
        ("xml", "<E><a>one\ntwo</a></E>"),
        ("json", '{"a": "\\"quoted\\""}'),
        ("json", '{"a": 1e5}'),
        ("json", '{"a": -0}'),
        ("dahua", "Code=X;what is this"),
        ("pairs", "a=1\nno pair"),
    ],
)
def test_what_is_not_plain_is_of_no_form(form: Form, text: str) -> None:
    assert values(form, text) is None


def test_no_value_that_is_taken_is_blank_or_ends_early() -> None:
    for form, text in (
        ("xml", "<a>1</a>"),
        ("xml", '<a b="1"/>'),
        ("json", '["1"]'),
        ("pairs", "a=1"),
        ("dahua", "C=1"),
    ):
        (leaf,) = (each for each in pieces(form, text, FIXED) or () if isinstance(each, Leaf))  # type: ignore[arg-type] # Form
        for other in ("", " ", " 1", "1 ", "\ufeff", "\u3000", "1\n2", "\x00"):
            assert not re.fullmatch(leaf.pattern.taken, other), (form, other)


def test_a_value_is_what_it_stands_for() -> None:
    assert unescaped("xml", "A&amp;B & &lt;C") == "A&B & <C"
    assert unescaped("json", "\\u4eac\\/A") == "京/A"
    assert unescaped("json", "A1") == "A1"
