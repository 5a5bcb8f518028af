"""ONVIF's pull point: the digest of the profile's own example, and answers as cameras write them."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from edge_agent.drivers.plate.paths import Path, Place
from edge_agent.drivers.plate.pull_point import (
    Login,
    NoPullPointError,
    camera_time,
    create_question,
    pull_address,
    pull_question,
    renew_question,
    time_question,
    unsubscribe_question,
)
from edge_agent.drivers.plate.tree import text_of
from edge_agent.drivers.plate.xml_tree import read_xml

NOW = datetime(2010, 9, 16, 7, 50, 45, tzinfo=UTC)
CREATED = """<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><tev:CreatePullPointSubscriptionResponse
xmlns:tev="http://www.onvif.org/ver10/events/wsdl"><tev:SubscriptionReference><wsa5:Address
xmlns:wsa5="http://www.w3.org/2005/08/addressing">{address}</wsa5:Address></tev:SubscriptionReference>
</tev:CreatePullPointSubscriptionResponse></s:Body></s:Envelope>"""

POINT = pull_address(CREATED.format(address="http://c/x?a=1&amp;b=2").encode())


def said(question: bytes, path: str) -> str:
    return text_of(Path(path).first_text(Place(read_xml(question))))


def test_the_digest_is_that_of_the_onvif_application_programmer_s_guide() -> None:
    """Section 6.1.1.3: nonce LKqI6G/AikKCQrN0zqZFlg==, user and password as there."""
    header = Login("admin", "userpassword").header(NOW, base64.b64decode("LKqI6G/AikKCQrN0zqZFlg=="))
    question = create_question(header, 60)

    assert said(question, "//UsernameToken/Password") == "tuOSpGlFlIXsozq4HFNeeGeFLEI="
    assert said(question, "//UsernameToken/Nonce") == "LKqI6G/AikKCQrN0zqZFlg=="
    assert said(question, "//UsernameToken/Created") == "2010-09-16T07:50:45Z"


def test_the_time_of_a_token_is_utc_whatever_zone_it_is_given_in() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=8)))

    assert Login("a", "b").header(local, b"n") == Login("a", "b").header(NOW, b"n")


def test_a_name_with_markup_is_a_name() -> None:
    question = create_question(Login("a<b>&c", "p").header(NOW, b"n"), 60)
    digest = base64.b64encode(hashlib.sha1(b"n2010-09-16T07:50:45Zp", usedforsecurity=False).digest()).decode()

    assert said(question, "//Username") == "a<b>&c"
    assert said(question, "//Password") == digest


def test_without_a_user_nobody_is_named() -> None:
    assert b"UsernameToken" not in pull_question(Login("", "").header(NOW, b"n"), POINT, 5, 10)


def test_questions_say_how_long_how_many_and_to_whom() -> None:
    pull, renew = pull_question("", POINT, 5, 10), renew_question("", POINT, 60)

    assert [said(pull, f"//{name}") for name in ("Timeout", "MessageLimit", "To")] == [
        "PT5S",
        "10",
        "http://c/x?a=1&b=2",
    ]
    assert said(renew, "//TerminationTime") == "PT60S"
    assert said(unsubscribe_question("", POINT), "//To") == "http://c/x?a=1&b=2"
    assert "GetSystemDateAndTime" in time_question().decode()


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("http://192.168.1.64/onvif/Events/PullSub_1", "/onvif/Events/PullSub_1"),
        ("http://10.0.0.9:8080/event?Idx=7&amp;x=1", "/event?Idx=7&x=1"),
        ("\n  http://camera/onvif/sub0\n", "/onvif/sub0"),
    ],
)
def test_the_pull_point_is_asked_by_its_path_whatever_host_the_camera_thinks_it_has(address: str, path: str) -> None:
    assert pull_address(CREATED.format(address=address).encode()).path == path


def test_what_the_camera_wants_to_see_again_is_in_each_question() -> None:
    """As Axis cameras name their subscriptions: the address is the same for all."""
    parameters = (
        '<a:ReferenceParameters xmlns:a="http://www.w3.org/2005/08/addressing">'
        '<x:Id xmlns:x="urn:x">7</x:Id></a:ReferenceParameters>'
    )
    created = CREATED.format(address="http://c/onvif/services").replace("</tev:Sub", f"{parameters}</tev:Sub")

    question = pull_question("", pull_address(created.encode()), 5, 10)

    assert said(question, "Header/Id") == "7"
    assert b"urn:x" in question
    assert said(question, "Header/To") == "http://c/onvif/services"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "no SOAP"),
        (b"<html>404</html>", "names no address"),
        (b"<E><Body><Fault><Reason><Text>Sender not Authorized</Text></Reason></Fault></Body></E>", "not Authorized"),
        (CREATED.format(address="").encode(), "names no address"),
    ],
)
def test_an_answer_without_a_pull_point_says_why(answer: bytes, why: str) -> None:
    with pytest.raises(NoPullPointError, match=why):
        pull_address(answer)


def test_the_camera_s_clock_is_read_and_one_that_was_never_set_is_none() -> None:
    def answer(year: int) -> bytes:
        date = f"<tt:Date><tt:Year>{year}</tt:Year><tt:Month>9</tt:Month><tt:Day>16</tt:Day></tt:Date>"
        time = "<tt:Time><tt:Hour>7</tt:Hour><tt:Minute>50</tt:Minute><tt:Second>45</tt:Second></tt:Time>"
        return f'<E xmlns:tt="t"><tt:UTCDateTime>{time}{date}</tt:UTCDateTime></E>'.encode()

    assert camera_time(answer(2010)) == NOW
    assert camera_time(answer(0)) is None
    assert camera_time(b"<E/>") is None
    assert camera_time(b"no XML") is None
