"""What is learned of a form gives what reading the document in full gives, whatever its values are."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.drivers.plate.body import read_all
from edge_agent.drivers.plate.fields import FieldFinder
from edge_agent.drivers.plate.forms import AT_ONCE, MAX_FORMS, ONE_IN, Forms
from edge_agent.drivers.plate.parts import Document, Form
from edge_agent.drivers.plate.schema import PlateProfile
from edge_agent.drivers.plate.tree import TreeError
from edge_agent.profiles import load_profile, profile_names

CAPTURES = Path(__file__).parents[4] / "captures" / "plate"
PROFILES = [name.removeprefix("plate/") for name in profile_names() if name.startswith("plate/")]
VALUE = re.compile(rb">([^<>\r\n]+)<|\"([^\"\r\n]+)\"|[:=] ?([\w.-]+)")


@cache
def finder(name: str = "hikvision-isapi-push") -> FieldFinder:
    return FieldFinder(load_profile(f"plate/{name}", of=PlateProfile))


class Counted:
    """Forms, and how many documents they have read in full."""

    def __init__(self, name: str = "hikvision-isapi-push") -> None:
        self.full = finder(name)
        self.forms, self.reads = Forms(self), 0  # type: ignore[arg-type] # it does what they need of one
        self.conditions = self.full.conditions

    def find(self, document: Document) -> object:
        self.reads += 1
        return self.full.find(document)


def said(finds: FieldFinder | Forms, document: Document) -> object:
    try:
        return finds.find(document)
    except TreeError as error:
        return str(error)


@cache
def documents(name: str) -> list[Document]:
    files = [file for file in sorted((CAPTURES / name).iterdir()) if file.name not in ("SOURCES.md", "expected.jsonl")]
    tokens = [token for file in files for token in read_all(file.read_bytes())]
    return [token for token in tokens if isinstance(token, Document) and token.form != "word"]


def alert(plate: str = "A1", lane: str = "<line>2</line>") -> Document:
    content = f"<ANPR><licensePlate>{plate}</licensePlate>{lane}</ANPR>"
    return Document("xml", f"<E><eventType>ANPR</eventType>{content}</E>".encode())


TRAINED = {name: Forms(finder(name)) for name in PROFILES}
for _name, _forms in TRAINED.items():
    for _document in documents(_name) * 3:
        said(_forms, _document)

VALUES = st.one_of(
    st.text(alphabet="A1 .&;<>\"'\\#{}[]=,:\n\t\r\0\ufeff\u3000\uffff蓝粤\ue0001\ue001", max_size=6),
    st.sampled_from(
        ["0", "-0", "-7", "1e5", "1.50", "007", "null", "true", "Plate", "&amp;", "&#65;", "\\u4eac", "\\u0020"]
    ),
    st.sampled_from(["x" * 300, "<b/>", "<!-- x -->", "]]>", "</ANPR>", '","x":"', "\\ud800", "2026-03-02T08:15:30Z"]),
)


@settings(deadline=None)
@given(st.sampled_from(PROFILES), st.data())
def test_a_known_form_gives_what_reading_in_full_gives(name: str, data: st.DataObject) -> None:
    document = data.draw(st.sampled_from(documents(name)))
    raw = document.raw
    for _ in range(data.draw(st.integers(1, 3))):
        places = [match.span(match.lastindex or 0) for match in VALUE.finditer(raw)]
        if places:
            start, end = data.draw(st.sampled_from(places))
            raw = raw[:start] + data.draw(VALUES).encode() + raw[end:]
    changed = Document(document.form, raw)
    assert said(TRAINED[name], changed) == said(finder(name), changed)


@pytest.mark.parametrize("name", PROFILES)
def test_every_form_of_the_captures_is_learned(name: str) -> None:
    counted = Counted(name)
    good = [each for each in documents(name) if not isinstance(said(counted.full, each), str)]
    for each in good * 5:
        said(counted.forms, each)
    counted.reads = 0
    for each in good:
        assert said(counted.forms, each) == said(counted.full, each)
    assert counted.reads == 0


def test_the_second_of_a_form_is_learned_from_and_the_third_is_known_with_other_values() -> None:
    counted = Counted()
    for plate in ("A1", "B2", "C3", "粤B·12345", "A &amp; B", "x" * 300):
        assert said(counted.forms, alert(plate)) == said(counted.full, alert(plate))
    assert counted.reads == 3  # the first, the second, and once with marks


@pytest.mark.parametrize(
    "lane", ["<line></line>", "<line> </line>", "<line/>", "<laneNo>2</laneNo>", "<line>&#50;</line>", ""]
)
def test_a_document_with_another_empty_or_missing_field_is_of_another_form(lane: str) -> None:
    counted = Counted()
    for plate in ("A1", "B2"):
        said(counted.forms, alert(plate))
    assert said(counted.forms, alert("C3", lane)) == said(counted.full, alert("C3", lane))
    assert counted.reads == 4


def test_where_a_value_decides_where_paths_lead_it_belongs_to_the_form() -> None:
    def event(kind: str) -> Document:
        return Document("json", f'{{"Object": {{"ObjectType": "{kind}", "Text": "Toyota"}}}}'.encode())

    forms, full = Forms(finder("dahua-event-stream")), finder("dahua-event-stream")
    for _ in range(3):
        said(forms, event("Plate"))
    assert said(forms, event("Vehicle")) == said(full, event("Vehicle"))
    assert said(forms, event("Vehicle")) != said(forms, event("Plate"))


def test_whoever_sends_ever_new_forms_makes_it_learn_little_and_remember_no_more_than_its_bound() -> None:
    counted = Counted()
    sent = 0
    for number in range(3 * MAX_FORMS):
        for _ in range(2):
            said(counted.forms, alert("A1", "<x/>" * number))
            sent += 1
    learned = counted.reads - sent
    assert learned <= AT_ONCE + sent // ONE_IN
    assert len(counted.forms._known) <= MAX_FORMS
    assert len(counted.forms._met) <= MAX_FORMS


@pytest.mark.parametrize(
    ("name", "form", "raw", "values"),
    [
        (
            "dahua-event-stream",
            "dahua",
            'Code=%s;action=Pulse;data={"Object": {"Text": "A1"}}',
            ["FaceRecognition", "TrafficJunction"],
        ),
        (
            "onvif-profile-m",
            "xml",
            '<E><NotificationMessage><Topic>%s</Topic><SimpleItem Name="text" Value="A1"/></NotificationMessage></E>',
            ["x:Sign.Changed", "x:ALPV.New"],
        ),
    ],
)
def test_a_value_that_decides_whether_a_path_is_followed_belongs_to_the_form(
    name: str, form: Form, raw: str, values: list[str]
) -> None:
    forms = Forms(finder(name))
    for value in (*values, *reversed(values)):
        document = Document(form, (raw % value).encode())
        for _ in range(5):
            assert forms.find(document) == finder(name).find(document)
