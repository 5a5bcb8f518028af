"""The configuration file: what is accepted, and what an operator is told when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.config import load_config
from collector.errors import ConfigError

WHOLE = """
deployment = "hainan.example"
state_dir = "state"
listen = "[::]:8443"
enrol_listen = "127.0.0.1:8444"
hostnames = ["collector.hainan.example", "10.0.0.5", "2001:db8::5"]
storage_url = "postgresql+psycopg://tidegate@db/tidegate"
policy_file = "policy.toml"
certificate_days = 30
window_bytes = 33554432
max_batch_bytes = 8388608

[sites.haikou]
goods = "regulated"

[sites.haikou.lanes.L1]
goods = "free"

[sites.sanya]
goods = "free"
"""


def write(directory: Path, text: str) -> Path:
    path = directory / "collector.toml"
    path.write_text(text)
    return path


def complaint(directory: Path, extra: str) -> str:
    text = f'deployment = "hainan.example"\nstate_dir = "state"\n{extra}\n'
    with pytest.raises(ConfigError) as caught:
        load_config(write(directory, text))
    return str(caught.value)


def test_a_whole_file_is_read_and_its_paths_are_meant_from_its_own_directory(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, WHOLE))
    assert config.deployment == "hainan.example"
    assert config.state_dir == tmp_path / "state"
    assert config.policy_file == tmp_path / "policy.toml"
    assert config.database_url == "postgresql+psycopg://tidegate@db/tidegate"
    assert config.hostnames == ["collector.hainan.example", "10.0.0.5", "2001:db8::5"]
    assert (config.certificate_days, config.window_bytes, config.max_batch_bytes) == (30, 32 << 20, 8 << 20)


def test_deployment_and_state_dir_are_enough(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, 'deployment = "hainan.example"\nstate_dir = "/var/lib/x"'))
    assert config.database_url == "sqlite:////var/lib/x/collector.db"
    assert config.hostnames[:2] == ["localhost", "127.0.0.1"]
    assert (config.listen, config.enrol_listen) == ("0.0.0.0:7443", "0.0.0.0:7444")


def test_the_state_dir_of_the_command_line_goes_before_that_of_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, WHOLE), tmp_path / "other")
    assert config.state_dir == tmp_path / "other"
    assert load_config(write(tmp_path, 'deployment = "d"'), tmp_path / "other").state_dir == tmp_path / "other"


@pytest.mark.parametrize(
    ("site", "lane", "goods"),
    [
        ("haikou", "L1", "free"),
        ("haikou", "L2", "regulated"),
        ("sanya", "L1", "free"),
        ("unheard-of", "L1", "regulated"),
    ],
)
def test_goods_are_those_of_the_lane_else_of_the_site_else_regulated(
    tmp_path: Path, site: str, lane: str, goods: str
) -> None:
    assert load_config(write(tmp_path, WHOLE)).goods_of(site, lane) == goods


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("certificate_day = 30", "certificate_day: unknown key; did you mean certificate_days?"),
        ("[sites.haikou]\ngood = 'free'", "sites.haikou.good: unknown key; did you mean goods?"),
        ("[sites.haikou.lanes.L1]\ngodos = 'free'", "sites.haikou.lanes.L1.godos: unknown key; did you mean goods?"),
        ("zzz = 1", "zzz: unknown key; known are deployment, state_dir, listen"),
        ("certificate_days = '30'", "certificate_days: input should be a valid integer, not '30'"),
        ("certificate_days = 0", "certificate_days: input should be greater than or equal to 1, not 0"),
        ("max_batch_bytes = 4", "max_batch_bytes: input should be greater than or equal to 1048576, not 4"),
        ("listen = '7443'", "'7443' is no address; write \"host:port\""),
        ("listen = '::1:7443'", "'::1:7443' is no address"),
        ("listen = '0.0.0.0:99999'", "'0.0.0.0:99999' is no address"),
        ("listen = '0.0.0.0:7444'", "port 7444 is used twice; give enrol_listen another port"),
        ("hostnames = ['https://c.example']", "'https://c.example' is neither a DNS name nor an IP address"),
        ("hostnames = []", "hostnames: list should have at least 1 item"),
        ("[sites.haikou]\ngoods = 'duty-free'", "sites.haikou.goods: input should be 'regulated' or 'free'"),
        ("window_bytes = 1048576", "would not hold one batch of max_batch_bytes (4194304)"),
    ],
)
def test_what_is_wrong_is_named_with_file_key_and_likely_fix(tmp_path: Path, extra: str, expected: str) -> None:
    text = complaint(tmp_path, extra)
    assert text.startswith(str(tmp_path / "collector.toml"))
    assert expected in text


def test_every_problem_of_a_file_is_listed(tmp_path: Path) -> None:
    text = complaint(tmp_path, "certificate_day = 30\nlisten = 'x'")
    assert "certificate_day" in text
    assert "listen: 'x' is no address" in text


@pytest.mark.parametrize("name", ["Hai Nan", "hainan+1", "", "-x", "x" * 64])
def test_a_deployment_name_that_cannot_name_keys_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"deployment: .* cannot name keys"):
        load_config(write(tmp_path, f'deployment = "{name}"\nstate_dir = "s"'))


def test_missing_keys_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="deployment: missing; add it; state_dir: missing; add it"):
        load_config(write(tmp_path, ""))


def test_a_file_that_is_not_toml_or_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is not TOML.*line 1"):
        load_config(write(tmp_path, "deployment = hainan"))
    with pytest.raises(ConfigError, match=r"nowhere.toml cannot be read. No such file"):
        load_config(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match=r"no configuration file.*--config"):
        load_config(None)
