"""How a gate machine comes to be trusted, and ceases to be: `gate-collector serve` and `edge-agent enrol` for real."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID

from collector.agents import registry
from collector.agents.authority import Authority
from collector.store.engine import open_store
from edge_agent.enrol import enrol, renew
from edge_agent.errors import UplinkError
from edge_agent.keys import AgentKeys, journal_key_for
from edge_agent.simulate.programs import run_command
from gate_contract.v1.enrolment_pb2 import EnrolRequest
from gate_contract.v1.enrolment_pb2_grpc import EnrolmentServiceStub
from tests.journeys.enrolment_harness import DEADLINE_S, Collector, refusal, request_for, showing, uplink, words


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """One for all tests; they keep below ten refused requests a minute, where it stops to listen."""
    with Collector(tmp_path_factory.mktemp("collector")).running() as running:
        yield running


def edge_agent(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """`edge-agent enrol` as an installer runs it."""
    if not stdin:
        return run_command("edge-agent", "enrol", *map(str, arguments), check=False)
    argv = [sys.executable, "-c", "from edge_agent.cli import main; main()", "enrol", *map(str, arguments)]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, timeout=60)


def test_an_invited_machine_enrols_and_its_stream_is_welcome(collector: Collector, tmp_path: Path) -> None:
    file = tmp_path / "gate-1.json"
    collector.run("agents", "invite", "gate-1", "--site", "haikou", "-o", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert [(each["state"], each["open_invitations"]) for each in collector.agents("gate-1")] == [("invited", 1)]

    done = edge_agent("--invite", file, "--state-dir", tmp_path / "state")
    assert (done.returncode, done.stderr) == (0, "")
    assert "agent gate-1 of site haikou, deployment hainan.example" in done.stdout

    keys = AgentKeys.load(tmp_path / "state")
    with uplink(keys) as answers:
        assert next(answers).welcome.protocol == 1
    [agent] = collector.agents("gate-1")
    assert (agent["state"], agent["site_id"], agent["origin"]) == ("enrolled", "haikou", keys.identity.origin)
    assert agent["certificate_days"] == keys.certificate_days_left(datetime.now(UTC)) == 89
    assert collector.run("keys").split("\n", 1)[1].split() == list(keys.identity.collector_keys)
    admissions = [entry.admission for entry in collector.ledger() if entry.admission.agent_id == "gate-1"]
    assert [each.verifier_key for each in admissions] == [keys.signer.verifier.vkey()]


def test_a_used_token_is_refused_to_another_machine_and_logged(collector: Collector, tmp_path: Path) -> None:
    invitation = collector.invite("gate-used")
    enrol(invitation, tmp_path / "first")
    with pytest.raises(UplinkError, match=r"refused\. the token for agent gate-used was used on .* by another key"):
        enrol(invitation, tmp_path / "second")
    event = collector.logged("the token for agent gate-used was used")
    assert (event["event"], event["request"], event["level"]) == ("request refused", "enrolment", "warning")
    assert event["peer"].startswith("ipv4:127.0.0.1:")
    with pytest.raises(UplinkError, match="used"):
        enrol(invitation, tmp_path / "second")
    assert len(collector.agents("gate-used")) == 1


def test_an_expired_token_is_refused_and_logged(collector: Collector, tmp_path: Path) -> None:
    invitation = collector.invite("gate-late")
    store = open_store(collector.config.database_url)
    with store.write() as conn:
        two_days_ago = datetime.now(UTC) - timedelta(days=2)
        token = registry.invite(conn, "gate-late", "haikou", timedelta(days=1), two_days_ago)
    store.close()
    with pytest.raises(UplinkError, match="the token for agent gate-late expired on"):
        enrol(replace(invitation, token=token), tmp_path)
    collector.logged("the token for agent gate-late expired")


def test_a_wrong_token_is_refused_and_logged_as_the_installer_sees_it(collector: Collector, tmp_path: Path) -> None:
    text = collector.run("agents", "invite", "gate-wrong", "--site", "haikou")
    wrong = re.sub('"token": "[^"]{8}', '"token": "AAAAAAAA', text)
    done = edge_agent("--invite", "-", "--state-dir", tmp_path, stdin=wrong)
    assert done.returncode == 1
    assert done.stderr.startswith("edge-agent: the collector refused. unknown token")
    collector.logged("unknown token")
    assert [each["state"] for each in collector.agents("gate-wrong")] == ["invited"]


def test_a_lost_answer_does_not_strand_the_machine(collector: Collector, tmp_path: Path) -> None:
    invitation = collector.invite("gate-lost")
    # What `enrol` does up to the answer, which never arrives.
    journal_key = journal_key_for(tmp_path, invitation.deployment, invitation.agent_id)
    csr_der = request_for(ec.generate_private_key(ec.SECP256R1()))
    request = EnrolRequest(
        token=invitation.token,
        csr_der=csr_der,
        journal_key=journal_key.public_key().public_bytes_raw(),
        signature=journal_key.sign(b"tidegate/enrol/v1\n" + invitation.token.encode() + b"\n" + csr_der),
    )
    credentials = grpc.ssl_channel_credentials(invitation.ca_pem)
    with grpc.secure_channel(invitation.enrol_address, credentials) as channel:
        EnrolmentServiceStub(channel).Enrol(request, timeout=DEADLINE_S)

    keys = enrol(invitation, tmp_path)
    assert keys.journal_key.private_bytes_raw() == journal_key.private_bytes_raw()
    assert len(collector.agents("gate-lost")) == 1
    assert sum(entry.admission.agent_id == "gate-lost" for entry in collector.ledger()) == 1
    with uplink(keys) as answers:
        assert next(answers).HasField("welcome")


def test_two_machines_with_one_token_at_once_are_one_admitted_and_one_refused(
    collector: Collector, tmp_path: Path
) -> None:
    invitation = collector.invite("gate-race")

    def attempt(number: int) -> str:
        try:
            return enrol(invitation, tmp_path / str(number)).identity.origin
        except UplinkError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(attempt, range(2)), key=len)
    assert results[0] == collector.agents("gate-race")[0]["origin"]
    assert "was used on" in results[1]


def test_a_request_signed_with_another_key_is_refused(collector: Collector, tmp_path: Path) -> None:
    keys = enrol(collector.invite("gate-forged"), tmp_path / "mine")
    other = enrol(collector.invite("gate-other"), tmp_path / "other")
    with pytest.raises(UplinkError, match="the request is not signed with the journal's key"):
        renew(replace(keys, journal_key=other.journal_key))


def test_a_foreign_certificate_is_refused_in_tls_logged_with_its_address_and_explained_to_the_machine(
    collector: Collector, tmp_path: Path
) -> None:
    keys = enrol(collector.invite("gate-foreign"), tmp_path)
    foreign = Authority.make("hainan.example", datetime.now(UTC))
    assert "this machine's certificate is foreign" in words(showing(keys, foreign))
    event = collector.logged("certificate is foreign")
    assert event["event"] == "TLS handshake failed"
    assert event["peer"].startswith("ipv4:127.0.0.1:")
    assert event["port"] == f"ipv4:{keys.identity.uplink_address}"


def test_a_machine_of_another_deployment_finds_the_wrong_collector_and_says_so(
    collector: Collector, tmp_path: Path
) -> None:
    invitation = collector.invite("gate-astray")
    foreign = Authority.make("hainan.example", datetime.now(UTC))
    with pytest.raises(UplinkError, match="not the collector this machine was invited by"):
        enrol(replace(invitation, ca_pem=foreign.certificate_pem), tmp_path)
    assert collector.logged("it hung up during TLS", f"ipv4:{invitation.enrol_address}")["level"] == "warning"


def test_an_expired_certificate_is_refused_and_renewed_over_the_enrolment_port(
    collector: Collector, tmp_path: Path
) -> None:
    keys = enrol(collector.invite("gate-asleep"), tmp_path)
    expired = showing(keys, collector.keys.authority, 90, datetime.now(UTC) - timedelta(days=100))
    assert "this machine's certificate expired on" in words(expired)
    assert collector.logged("its certificate has expired")["event"] == "TLS handshake failed"

    renewed = renew(expired)
    assert not renewed.renewal_due(datetime.now(UTC))
    assert AgentKeys.load(tmp_path).certificate_pem == renewed.certificate_pem
    assert renewed.tls_key_pem != expired.tls_key_pem
    with uplink(renewed) as answers:
        assert next(answers).HasField("welcome")


def test_a_revoked_machine_is_cut_off_at_once_and_told_why(collector: Collector, tmp_path: Path) -> None:
    keys = enrol(collector.invite("gate-stolen"), tmp_path)
    with uplink(keys) as answers:
        assert next(answers).HasField("welcome")
        collector.run("agents", "revoke", "gate-stolen", "--reason", "stolen from lane 3")
        revoked_at = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            next(answers)
        assert time.monotonic() - revoked_at < 30
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED

    code, details = refusal(keys)
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert re.search(r"certificate [0-9a-f]+ of agent gate-stolen was revoked on \d{4}-\d\d-\d\d", details)
    assert "stolen from lane 3" in details
    assert collector.logged("of agent gate-stolen was revoked")["level"] == "warning"
    with pytest.raises(UplinkError, match=r"refused\. the key of agent gate-stolen was revoked"):
        renew(keys)
    assert collector.logged('"request": "renewal"')["event"] == "request refused"
    [entry] = [each.revocation for each in collector.ledger() if each.HasField("revocation")]
    assert (entry.origin, entry.reason) == (keys.identity.origin, "stolen from lane 3")

    again = enrol(collector.invite("gate-stolen"), tmp_path / "reflashed")
    with uplink(again) as answers:
        assert next(answers).HasField("welcome")


def test_a_journal_this_collector_never_admitted_is_refused(collector: Collector, tmp_path: Path) -> None:
    keys = enrol(collector.invite("gate-restored"), tmp_path)
    origin = keys.identity.origin[:-4] + "0000"
    unknown = replace(keys, identity=replace(keys.identity, origin=origin))
    code, details = refusal(showing(unknown, collector.keys.authority))
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert f"this collector never admitted its journal {origin}" in details
    with pytest.raises(UplinkError, match=f"this collector never admitted a journal {origin}"):
        renew(unknown)


def test_a_collector_that_is_not_there_is_named(collector: Collector, tmp_path: Path) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UplinkError, match=f"collector at {address} could not be asked. nobody listens there"):
            enrol(replace(collector.invite("gate-early"), enrol_address=address), tmp_path)


def test_an_invitation_for_another_site_than_the_site_file_s_is_refused_before_anything_is_made(
    collector: Collector, tmp_path: Path
) -> None:
    site, file = tmp_path / "site.toml", tmp_path / "invitation.json"
    site.write_text(
        'site = "haikou"\n[agent]\nstate_dir = "state"\n'
        '[[camera]]\nid = "cam"\nprofile = "plate/hikvision-isapi-push"\nlisten = "127.0.0.1:8480"\n'
        'allow = ["10.0.0.9"]\n'
        '[[lane]]\nid = "L1"\nkind = "vehicle"\ncameras = ["cam"]\n'
    )
    collector.run("agents", "invite", "gate-site", "--site", "sanya", "-o", str(file))
    done = edge_agent("--invite", file, "--config", site)
    assert done.returncode == 1
    assert "is for site haikou, the invitation is for sanya" in done.stderr
    assert not (tmp_path / "state").exists()

    collector.run("agents", "invite", "gate-site", "--site", "haikou", "-o", str(file))
    assert edge_agent("--invite", file, "--config", site).returncode == 0
    assert AgentKeys.load(tmp_path / "state").identity.site_id == "haikou"


def test_grpc_does_not_negotiate_an_ed25519_certificate_which_is_why_a_machine_has_two_keys(
    collector: Collector, tmp_path: Path
) -> None:
    """When this fails, gRPC has learnt it, and the separate TLS key is no longer needed (docs/enrolment.md)."""
    keys = enrol(collector.invite("gate-ed25519"), tmp_path)
    key, root = Ed25519PrivateKey.generate(), x509.load_pem_x509_certificate(keys.ca_pem)
    origin = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"tidegate:{keys.identity.origin}")])
    leaf = (
        x509.CertificateBuilder(root.subject, keys.certificate.subject, key.public_key(), 1)
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(origin, critical=False)
        .sign(collector.keys.authority.key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = leaf.public_bytes(serialization.Encoding.PEM) + keys.ca_pem
    code, details = refusal(replace(keys, tls_key_pem=pem, certificate_pem=chain))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert "NO_COMMON_SIGNATURE_ALGORITHMS" in details
