import importlib.resources
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from edge_agent.drivers.layer import Layer
from edge_agent.drivers.schema import Default
from edge_agent.errors import ConfigError
from edge_agent.profiles import load_profile, profile_names

REPOSITORY = Path(__file__).resolve().parents[3]

TF0 = r"""
[device]
maker = "Yaohua"
models = ["XK3190-A9"]
source = "the maker's manual"
[link]
baud = 9600
format = "8N1"
mode = "listen"
[frame]
start = "02"
max = 12
[[frame.variant]]
name = "tf0"
length = 12
match = '\x02[+-]\d{6}[0-4][0-9A-F]{2}\x03'
checksum = { algorithm = "xor8", over = [1, 9], at = 9, encode = "hex2" }
[field.weight]
from = "slice"
at = [1, 8]
type = "decimal"
scale10 = { byte = 8, as = "digit" }
[field.unit]
default = "kg"
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a profile scale/mine and gives the directory to look in."""

    def write_profile(text: str) -> Path:
        (tmp_path / "scale").mkdir(exist_ok=True)
        (tmp_path / "scale" / "mine.toml").write_text(text, encoding="utf-8")
        return tmp_path

    return write_profile


def problem(directory: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_profile("scale/mine", directory)
    text = str(caught.value)
    assert str(directory / "scale" / "mine.toml") in text
    assert "docs/profiles.md explains every key" in text
    return text


@pytest.mark.parametrize("name", profile_names())
def test_every_shipped_profile_loads_and_has_captures_of_its_own(name: str) -> None:
    assert load_profile(name).name == name
    assert (REPOSITORY / "tests" / "captures" / name / "expected.jsonl").is_file()


def test_the_two_profiles_of_the_spine_are_shipped() -> None:
    assert {"scale/yaohua-xk3190-a9-tf0", "scale/mettler-toledo-continuous"} <= set(profile_names())


def test_an_installed_package_finds_its_profiles_inside_itself(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(TF0)
    (tmp_path / "package").mkdir()
    (tmp_path / "scale").rename(tmp_path / "scale-elsewhere")
    (tmp_path / "package" / "firmware_configs").mkdir()
    (tmp_path / "scale-elsewhere").rename(tmp_path / "package" / "firmware_configs" / "scale")
    monkeypatch.setattr(importlib.resources, "files", lambda _name: tmp_path / "package")
    assert profile_names() == ["scale/mine"]
    assert load_profile("scale/mine").device.maker == "Yaohua"


def test_profiles_of_a_site_go_before_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "scale").mkdir()
    own = TF0.replace('default = "kg"', 'default = "t"')
    (tmp_path / "scale" / "yaohua-xk3190-a9-tf0.toml").write_text(own)
    unit = load_profile("scale/yaohua-xk3190-a9-tf0", tmp_path).field.unit
    assert unit == Default(default="t")


def test_an_unknown_name_is_answered_with_the_closest_one() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'scale/mettler-toledo-continuous'"):
        load_profile("scale/metler-toledo-continous")
    with pytest.raises(ConfigError, match=r"Known here: .*scale/yaohua-xk3190-a9-tf0"):
        load_profile("qwertz")


def test_a_name_cannot_lead_out_of_the_directory(write: Write) -> None:
    directory = write(TF0)
    with pytest.raises(ConfigError, match="There is no device profile"):
        load_profile("scale/../scale/mine", directory / "scale")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('start = "02"', 'strat = "02"'), "frame.strat: unknown key. Did you mean 'start'?"),
        (("[link]", "[links]"), "links: unknown key. Did you mean 'link'?"),
        (("[field.weight]", "[field.wieght]"), "field.wieght: unknown key. Did you mean 'weight'?"),
        (("length = 12", "lenght = 12"), "frame.variant.0.lenght: unknown key. Did you mean 'length'?"),
        (('as = "digit"', 'ass = "digit"'), "field.weight.scale10.ass: unknown key. Did you mean 'as'?"),
        (('default = "kg"', 'default = "kg"\nvalue = 1'), "field.unit.value: unknown key. Known here: default"),
        (("max = 12", ""), "frame.max: is missing"),
        (('start = "02"', 'start = "82"\nmask = 0x7F'), "frame: start has bits that mask removes"),
        (("max = 12", "max = 11"), "frame: max is less than a variant's length of 12"),
        (("baud = 9600", "baud = '9600'"), "link.baud: Input should be a valid integer (it is '9600')"),
        (("baud = 9600", "baud = 7"), "link.baud: Input should be greater than or equal to 110 (it is 7)"),
        (
            ('"8N1"', '"8X1"'),
            "link.format: write data bits, parity and stop bits, such as '8N1' or '7E1' (it is '8X1')",
        ),
        (('"listen"', '"poll"'), "link.mode: Input should be 'listen' (it is 'poll')"),
        (('"xor8"', '"crc32"'), "frame.variant.0.checksum.algorithm: Input should be 'xor8' or 'neg7'"),
        (("at = 9,", "at = 11,"), "frame.variant.0: checksum reaches beyond the 12 bytes of length"),
        ((r"\d{6}", r"(\d{6}"), "frame.variant.0.match: not a regular expression over bytes"),
        (("at = [1, 8]", "at = [8, 1]"), "field.weight.at: a span is [first, one past the last]"),
        (("at = [1, 8]", "at = [6, 13]"), ". field.weight reaches byte 12"),
        (("byte = 8", "byte = 12"), "field.weight.scale10 reaches byte 12, and the shortest variant has only bytes"),
        (('as = "digit"', "mask = 7"), 'field.weight.scale10: give either as = "digit", or mask and map'),
        (('default = "kg"', 'default = "kilo"'), "field: unit may be kg, g, t, lb, not 'kilo'"),
    ],
)
def test_a_wrong_profile_is_told_by_file_key_and_likely_fix(write: Write, change: tuple[str, str], told: str) -> None:
    assert change[0] in TF0
    directory = write(TF0.replace(*change))
    assert told in problem(directory)


def test_every_wrong_key_is_told_at_once(write: Write) -> None:
    text = problem(write(TF0.replace('start = "02"', 'start = "2"').replace("baud = 9600", "baud = 1")))
    assert "frame.start: " in text
    assert "link.baud: " in text


def test_values_deep_in_a_map_are_checked(write: Write) -> None:
    bits = 'from = "bits"\nbyte = 3\nmask = 7\nmap = { 0 = { byte = 2, mask = 1, map = { 0 = "gros" } }, 1 = "net" }'
    assert "field: kind may be gross, net, not 'gros'" in problem(write(f"{TF0}[field.kind]\n{bits}"))
    far = bits.replace("byte = 2", "byte = 12").replace("gros", "gross")
    assert "field.kind reaches byte 12" in problem(write(f"{TF0}[field.kind]\n{far}"))
    typo = bits.replace("mask = 1", "msk = 1")
    assert "field.kind.map.0.msk: unknown key. Did you mean 'mask'?" in problem(write(f"{TF0}[field.kind]\n{typo}"))


def test_two_variants_may_not_have_one_name(write: Write) -> None:
    variant = TF0[TF0.index("[[frame.variant]]") : TF0.index("[field.weight]")]
    assert "frame: two variants have one name" in problem(
        write(TF0.replace("[field.weight]", variant + "[field.weight]"))
    )


def test_what_is_not_toml_is_told_with_its_line(write: Write) -> None:
    with pytest.raises(ConfigError, match=r"mine\.toml.*it is not TOML: .*line 1"):
        load_profile("scale/mine", write("start 02"))


def test_a_file_that_cannot_be_read_is_told(write: Write) -> None:
    directory = write(TF0)
    (directory / "scale" / "mine.toml").write_bytes(b"maker = '\xff'")
    with pytest.raises(ConfigError, match=r"mine\.toml.*Make the file readable for the agent's user, in UTF-8"):
        load_profile("scale/mine", directory)


def test_a_kind_without_a_driver_is_refused(write: Write) -> None:
    directory = write(TF0)
    (directory / "scale").rename(directory / "scanner")
    with pytest.raises(ConfigError, match="its kind is not known"):
        load_profile("scanner/mine", directory)


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"The profile directory .*nowhere does not exist"):
        load_profile("scale/mine", tmp_path / "nowhere")


def test_profiles_are_frozen() -> None:
    profile = load_profile("scale/mettler-toledo-continuous")
    with pytest.raises(ValidationError, match="frozen"):
        profile.link.baud = 1200
    assert profile.field.kind
    with pytest.raises(TypeError):
        profile.field.kind.map[0] = "net"  # type: ignore[index]  # what is tested


def layers(layer: type[Layer] = Layer) -> Iterator[type[Layer]]:
    for derived in layer.__subclasses__():
        yield derived
        yield from layers(derived)


def test_every_key_of_a_profile_and_every_shipped_profile_is_documented() -> None:
    text = (REPOSITORY / "docs" / "profiles.md").read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    words = set(re.findall(r"[a-z0-9_]+", " ".join(re.findall(r"`([^`]+)`", prose))))
    keys = {field.alias or name for layer in layers() for name, field in layer.model_fields.items()}
    assert keys - {"name"} <= words
    assert all(f"`{name}`" in text for name in profile_names())
