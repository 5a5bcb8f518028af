"""The collector's configuration: one TOML file into one frozen object. An unknown key is an error, not a guess."""

from __future__ import annotations

import ipaddress
import re
import socket
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from collector.cases.policy import CasePolicy
from collector.config_retention import RetentionConfig
from collector.draws.policy import DrawPolicy
from collector.errors import ConfigError

MIB = 1024 * 1024

Goods = Literal["regulated", "free"]
"""Second-line lanes carry regulated goods (to the mainland); first-line lanes do not need a declaration to pass."""

_DEPLOYMENT = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
_DNS_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_HIGHEST_PORT = 65_535


def split_address(address: str) -> tuple[str, int]:
    """Host and port of "host:port" or "[IPv6]:port"; ValueError with the form that is wanted."""
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= _HIGHEST_PORT):
        raise ValueError(f'{address!r} is no address; write "host:port" or "[IPv6 address]:port"')
    return host, int(port)


def _address(value: str) -> str:
    split_address(value)
    return value


def is_hostname(name: str) -> bool:
    """Whether a certificate can be made out to it: a DNS name or an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return _DNS_NAME.fullmatch(name) is not None
    return True


def _own_hostnames() -> list[str]:
    own = socket.gethostname()
    names = ["localhost", "127.0.0.1"]
    return names if own in names or not is_hostname(own) else [*names, own]


Address = Annotated[str, AfterValidator(_address)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LaneConfig(_Table):
    """[sites.SITE.lanes.LANE]: what differs from the site."""

    goods: Goods


class SiteConfig(_Table):
    """[sites.SITE]: what the collector must know of a site."""

    goods: Goods = "regulated"
    lanes: dict[str, LaneConfig] = {}


class MetricsConfig(_Table):
    """[metrics]: for a Prometheus server that scrapes this collector; None answers nowhere."""

    listen: Address | None = None


class CollectorConfig(_Table):
    """All the collector is told.

    Attributes:
        deployment: names this collector's ledger and every journal enrolled here (C2SP key names start with it); like a
            domain name, up to 63 characters. It cannot be changed later: it is under every signature.
        state_dir: keys, evidence and, by default, the database. Relative paths are meant from the file's directory.
        listen: address of the uplink (mutual TLS); port 0 lets the system choose.
        enrol_listen: address for enrolment and renewal (TLS with the server's certificate only).
        hostnames: DNS names and IP addresses at which agents reach the collector; its certificate is made out to them.
        storage_url: SQLAlchemy URL; None is SQLite in the state directory.
        policy_file: tolerances of the rules; None takes the defaults of the rule book.
        sites: what is known of sites and lanes.
        metrics: where Prometheus metrics are served.
        retention: how long what is personal can be read.
        cases: deadlines of cases, and what their outcomes do to credit.
        draws: when seeds are published, and whose officers are drawn.
        certificate_days: life of an agent's certificate, days.
        window_bytes: unanswered batches held for one agent, bytes.
        max_batch_bytes: largest batch accepted, bytes.
    """

    deployment: str
    state_dir: Path
    listen: Address = "0.0.0.0:7443"
    enrol_listen: Address = "0.0.0.0:7444"
    hostnames: list[str] = Field(default_factory=_own_hostnames, min_length=1)
    storage_url: str | None = None
    policy_file: Path | None = None
    sites: dict[str, SiteConfig] = {}
    metrics: MetricsConfig = MetricsConfig()
    retention: RetentionConfig = RetentionConfig()
    cases: CasePolicy = CasePolicy()
    draws: DrawPolicy = DrawPolicy()
    certificate_days: Annotated[int, Field(strict=True, ge=1, le=825)] = 90
    window_bytes: Annotated[int, Field(strict=True, ge=MIB, le=1024 * MIB)] = 16 * MIB
    # The least still holds one record of the largest size that the contract allows (256 KiB).
    max_batch_bytes: Annotated[int, Field(strict=True, ge=MIB, le=64 * MIB)] = 4 * MIB

    @field_validator("deployment")
    @classmethod
    def _names_keys(cls, value: str) -> str:
        if not _DEPLOYMENT.fullmatch(value):
            raise ValueError(f'{value!r} cannot name keys; write it like a domain name, e.g. "hainan.example"')
        return value

    @field_validator("hostnames")
    @classmethod
    def _fit_a_certificate(cls, value: list[str]) -> list[str]:
        for name in value:
            if not is_hostname(name):
                raise ValueError(f"{name!r} is neither a DNS name nor an IP address; give it without port and scheme")
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> CollectorConfig:
        port = split_address(self.listen)[1]
        if port and port == split_address(self.enrol_listen)[1]:
            raise ValueError(f"listen and enrol_listen: port {port} is used twice; give enrol_listen another port")
        if self.window_bytes < self.max_batch_bytes:
            raise ValueError(
                f"window_bytes: {self.window_bytes} would not hold one batch of max_batch_bytes "
                f"({self.max_batch_bytes}); make it at least as large"
            )
        return self

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the database."""
        return self.storage_url or f"sqlite:///{self.state_dir / 'collector.db'}"

    def goods_of(self, site_id: str, lane_id: str) -> Goods:
        """Which goods cross a lane; "regulated" (second line, the stricter) where nothing is said."""
        site = self.sites.get(site_id)
        if site is None:
            return "regulated"
        lane = site.lanes.get(lane_id)
        return site.goods if lane is None else lane.goods


def load_config(path: Path | None, state_dir: Path | None = None) -> CollectorConfig:
    """Read a configuration file; `state_dir` goes before what the file says.

    Raises ConfigError that names the file, the key, the closest known key and the likely fix.
    """
    if path is None:
        raise ConfigError(
            "no configuration file",
            cause="none was named and /etc/tidegate/collector.toml does not exist",
            fix='write one (deployment = "hainan.example" and state_dir = "/var/lib/tidegate-collector" are enough) '
            "and name it with --config or TIDEGATE_COLLECTOR_CONFIG",
        )
    values = _read(path)
    if state_dir is not None:
        values["state_dir"] = str(state_dir.absolute())
    try:
        config = CollectorConfig.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(_in_words(detail) for detail in error.errors())
        raise ConfigError(f"{path}: {problems}") from None
    here = path.absolute().parent
    policy_file = None if config.policy_file is None else here / config.policy_file
    return config.model_copy(update={"state_dir": here / config.state_dir, "policy_file": policy_file})


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read", cause=str(error.strerror), fix="check the path given with --config"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML", cause=str(error), fix="put text values in double quotes") from None


# Where in the file a table of the model stands: how many names lead to a key of it.
_TABLES: dict[int, type[BaseModel]] = {1: CollectorConfig, 2: MetricsConfig, 3: SiteConfig, 5: LaneConfig}
_NAMED_TABLES: dict[str, type[BaseModel]] = {"retention": RetentionConfig, "cases": CasePolicy, "draws": DrawPolicy}


def _in_words(detail: ErrorDetails) -> str:
    """One thing that is wrong with the file, with the key and the likely fix."""
    where = [str(part) for part in detail["loc"]]
    key = ".".join(where)
    if detail["type"] == "extra_forbidden":
        known = list(_NAMED_TABLES.get(where[0], _TABLES[len(where)]).model_fields)
        close = get_close_matches(where[-1], known, n=1, cutoff=0.5)
        return f"{key}: unknown key; " + (f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}")
    if detail["type"] == "missing":
        return f"{key}: missing; add it"
    text = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "value_error":
        return f"{key}: {text}" if key else text
    return f"{key}: {text[0].lower()}{text[1:]}, not {detail['input']!r}"
