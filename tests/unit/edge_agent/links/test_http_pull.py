"""Asking cameras over HTTP, as they are: against an emulated camera on a real socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.errors import ConfigError
from edge_agent.links.http_causes import PullError
from edge_agent.links.http_pull import HttpPull, PullLimits, PullTarget
from edge_agent.model.readings import DeviceState
from edge_agent.simulate.camera_server import CameraServer, Misbehaviour

PATIENCE = 20.0
OPENED: list[HttpPull] = []
QUICK = PullLimits(connect_s=2.0, head_s=0.4, silent_s=0.4, answer_s=0.6, answer_bytes=50_000)
CALM = PullLimits(connect_s=5.0, head_s=10.0, silent_s=10.0)


def echo(path: str, body: bytes) -> bytes:
    return f"<a>{path} {body.decode()}</a>".encode()


def pull_of(camera: CameraServer, limits: PullLimits = CALM, **changes: Any) -> HttpPull:
    fields: dict[str, Any] = {"url": camera.url, "method": "POST", "user": "gate", "password": "s3cret"} | changes
    pull = HttpPull(PullTarget(**fields), limits)
    OPENED.append(pull)
    return pull


@pytest.fixture(autouse=True)
def _all_closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


@contextmanager
def asking(**changes: Any) -> Iterator[tuple[CameraServer, HttpPull]]:
    with CameraServer(echo, **changes) as camera:
        yield camera, pull_of(camera)


def fault_of(work: Callable[[], object]) -> PullError:
    with pytest.raises(PullError) as caught:
        work()
    return caught.value


def test_a_question_is_asked_with_digest_and_answered() -> None:
    with asking() as (camera, pull):
        assert pull.ask("/plates?x=1", b"after 7", "application/xml") == b"<a>/plates?x=1 after 7</a>"
        assert pull.ask("/again") == b"<a>/again </a>"
        assert camera.requests == [("/plates?x=1", b"after 7"), ("/again", b"")]
        assert camera.refused == 0


def test_the_password_is_sent_as_it_is_only_where_that_is_allowed_and_all_there_is() -> None:
    with asking(scheme="basic") as (camera, careful):
        refused = fault_of(lambda: careful.ask("/x"))
        assert "it offers only Basic" in str(refused)
        assert camera.refused == 0  # the password was not sent
        assert pull_of(camera, allow_basic=True).ask("/x") == b"<a>/x </a>"
    with asking() as (digesting, _):
        assert pull_of(digesting, allow_basic=True).ask("/x") == b"<a>/x </a>"


def test_a_wrong_password_is_told_and_not_tried_again_at_once() -> None:
    with CameraServer(echo) as camera:
        refused = fault_of(lambda: pull_of(camera, password="guess").ask("/x"))
        assert "refuses the user or the password" in str(refused)
        assert refused.pause_s >= 60
        assert camera.refused == 1


def test_a_camera_without_credentials_is_simply_asked() -> None:
    with asking(scheme="none") as (_, pull):
        assert pull.ask("/x") == b"<a>/x </a>"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Misbehaviour(head="redirect"), "sends us to http://192.0.2.1/login"),
        (Misbehaviour(status=403), "refuses this user"),
        (Misbehaviour(status=404), "no such address"),
        (Misbehaviour(status=418), "answers 418"),
        (Misbehaviour(status=503), "answers 503"),
        (Misbehaviour(length="long"), "broke off its answer"),
    ],
)
def test_what_is_no_good_answer_is_told_with_what_to_do(fault: Misbehaviour, says: str) -> None:
    with asking(fault=fault) as (_, pull):
        refused = fault_of(lambda: pull.ask("/x"))
        assert says in str(refused)
        assert refused.fix
        assert refused.state is DeviceState.UNPLUGGED


def test_a_content_length_that_is_too_short_gives_what_it_says_and_no_more() -> None:
    with asking(fault=Misbehaviour(length="short")) as (_, pull):
        assert pull.ask("/long-enough") == b"<a>/long-e"


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    with asking(fault=Misbehaviour(length="none")) as (_, pull):
        assert pull.ask("/x") == b"<a>/x </a>"


@pytest.mark.parametrize("head", ["slow", "never"])
def test_a_head_that_comes_byte_by_byte_or_never_is_given_up(head: Any) -> None:
    with CameraServer(echo, fault=Misbehaviour(head=head)) as camera:
        limits = PullLimits(connect_s=0.3, head_s=0.3, silent_s=30.0)
        refused = fault_of(lambda: pull_of(camera, limits).stream("/x", lambda: None, lambda _: None))
        assert "did not answer within" in str(refused)


def test_a_camera_that_hangs_before_its_answer_is_told_with_the_time_that_it_had() -> None:
    with CameraServer(echo, fault=Misbehaviour(head="never")) as camera:
        limits = PullLimits(connect_s=5.0, head_s=0.3, silent_s=86_400.0)
        assert "said nothing for 0.3 s" in str(fault_of(lambda: pull_of(camera, limits).ask("/x")))


def test_an_answer_that_is_too_long_is_given_up() -> None:
    with CameraServer(lambda _path, _body: b"x" * 60_000) as camera:
        assert "more than 50000 bytes" in str(fault_of(lambda: pull_of(camera, QUICK).ask("/x")))


def test_a_stream_delivers_what_comes_until_it_is_closed() -> None:
    with CameraServer(lambda _path, _body: None) as camera:
        pull, received, came = pull_of(camera), bytearray(), threading.Event()

        def on_bytes(chunk: bytes) -> None:
            received.extend(chunk)
            if received == b"onetwo":
                came.set()

        def read() -> None:
            with suppress(PullError):  # it may be ended inside or between two reads
                pull.stream("/events", lambda: None, on_bytes)

        thread = threading.Thread(target=read)
        thread.start()
        give_up = time.monotonic() + PATIENCE
        while camera.streams == 0 and time.monotonic() < give_up:
            time.sleep(0.01)
        camera.send(b"one")
        camera.send(b"two")
        assert came.wait(PATIENCE)
        pull.close()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_stream_that_says_nothing_is_silent() -> None:
    with CameraServer(lambda _path, _body: None) as camera:
        silent = fault_of(lambda: pull_of(camera, QUICK).stream("/events", lambda: None, lambda _: None))
        assert silent.state is DeviceState.SILENT
        assert "has said nothing for 0.4 s" in str(silent)


def test_a_camera_that_is_switched_off_breaks_its_stream_and_then_refuses() -> None:
    with CameraServer(lambda _path, _body: None, heartbeat=b"beat") as camera:
        pull = pull_of(camera)
        broken = fault_of(lambda: pull.stream("/events", lambda: None, lambda _: camera.stop()))
        assert "ended the stream" in str(broken) or "broke off" in str(broken)
        assert "refuses the connection" in str(fault_of(lambda: pull_of(camera).ask("/x")))


def test_a_name_that_is_none_is_told() -> None:
    with CameraServer(echo) as camera:
        pull = pull_of(camera, url="http://camera.invalid")
        assert "cannot be reached" in str(fault_of(lambda: pull.ask("/x")))


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of a camera that signs for itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    raw_key = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path_factory.mktemp("tls") / "camera.pem"
    file.write_bytes(raw_key + made.public_bytes(pem))
    return file


def fingerprint_of(file: Path) -> str:
    made = x509.load_pem_x509_certificate(file.read_bytes().partition(b"-----END PRIVATE KEY-----\n")[2])
    return sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()


def test_a_camera_proves_itself_by_its_own_certificate_or_by_who_signed_it(certificate: Path) -> None:
    with CameraServer(echo, certificate=str(certificate)) as camera:
        assert pull_of(camera, fingerprint=fingerprint_of(certificate)).ask("/x") == b"<a>/x </a>"
        assert pull_of(camera, ca_file=certificate).ask("/x") == b"<a>/x </a>"


@pytest.mark.parametrize("pinned", ["", "ab" * 32])
def test_a_stranger_is_refused_before_anything_is_sent(certificate: Path, pinned: str) -> None:
    with CameraServer(echo, certificate=str(certificate), scheme="none") as camera:
        refused = fault_of(lambda: pull_of(camera, fingerprint=pinned).ask("/x"))
        assert "does not prove who it is" in str(refused)
        assert "fingerprint" in refused.fix
        assert camera.requests == []


def test_a_ca_file_that_is_none_is_a_fault_of_the_site_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"The CA file .* cannot be used"):
        HttpPull(PullTarget(url="https://192.0.2.1", ca_file=tmp_path / "none.pem"))
