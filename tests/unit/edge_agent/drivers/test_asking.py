from typing import Any

import pytest
from pydantic import ValidationError

from edge_agent.drivers.asking import Command, LinkLayer, command_bytes
from edge_agent.errors import ConfigError
from edge_agent.profiles import load_profile, profile_names

A9 = load_profile("scale/yaohua-xk3190-a9-command").link
SCALES = [name for name in profile_names() if name.startswith("scale/")]


def link(mode: str = "listen", **more: object) -> LinkLayer:
    return LinkLayer.model_validate({"baud": 9600, "format": "8N1", "mode": mode} | more)


def command(**more: Any) -> dict[str, Any]:
    return {"name": "weight", "bytes": "57 0d", "reads": True} | more


def named(layer: LinkLayer, name: str) -> Command:
    return next(each for each in layer.command if each.name == name)


def test_a_command_carries_the_address_and_its_checksum() -> None:
    # The manual's own bytes: address 1 reads net with 05 and the tare with 02.
    assert command_bytes(A9, named(A9, "net")) == bytes.fromhex("024144303503")
    assert command_bytes(A9, named(A9, "tare_value"), "A") == bytes.fromhex("024143303203")
    assert command_bytes(A9, named(A9, "gross"), "C") == bytes.fromhex("024342303103")


@pytest.mark.parametrize("address", ["a", "AB", "1", "ÄA"])
def test_an_address_that_the_device_cannot_have_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="Choose one from A to Z"):
        command_bytes(A9, named(A9, "net"), address)


def test_a_device_without_addresses_takes_none() -> None:
    sics = load_profile("scale/mt-sics").link
    assert command_bytes(sics, named(sics, "weight")) == b"SI\r\n"
    with pytest.raises(ConfigError, match="this device has none"):
        command_bytes(sics, named(sics, "weight"), "01")


@pytest.mark.parametrize("name", SCALES)
def test_only_commands_that_read_are_ever_sent_by_themselves(name: str) -> None:
    layer = load_profile(name).link
    assert all(each.reads and each.changes is None for each in layer.poll)
    assert (layer.mode == "poll") == bool(layer.poll)
    changing = {"54", "5a", "4d54", "4d5a", "54415245", "5a45524f"}  # T, Z, MT, MZ, TARE, ZERO
    sent = {each.bytes.replace(" ", "").removesuffix("0d0a").removesuffix("0d").lower(): each for each in layer.command}
    assert not any(each.reads for text, each in sent.items() if text in changing)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"mode": "poll"}, "needs a [[link.command]] with an interval"),
        ({"mode": "listen", "command": [command(interval=1)]}, "no command has an interval"),
        ({"command": [command(), command()]}, "two commands have one name"),
        ({"command": [command(reads=False)]}, "a command either reads, or changes something"),
        ({"command": [command(changes="tare")]}, "a command either reads, or changes something"),
        (
            {"mode": "poll", "command": [command(reads=False, changes="zero", interval=1)]},
            "only a command that reads may be repeated",
        ),
        ({"command": [command(bytes="570d")]}, "write bytes as hexadecimal pairs"),
        ({"command": [command(bytes=" ".join(["57"] * 65))]}, "a command has at most 64 bytes"),
        (
            {
                "command": [
                    command(checksum={"algorithm": "xor8", "over": [0, 2], "at": 2, "encode": "hex2"}),
                ]
            },
            "checksum reaches beyond the 2 bytes",
        ),
        ({"address": {"at": 1, "first": "A", "last": "10"}}, "of one width"),
        ({"address": {"at": 3, "first": "A", "last": "Z"}, "command": [command()]}, "too short for an address"),
    ],
)
def test_a_wrong_link_is_told(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        link(**wrong)
    assert told in str(caught.value)
