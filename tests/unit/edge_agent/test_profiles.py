import importlib.resources
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from edge_agent.drivers.layer import Layer
from edge_agent.drivers.sources import Bits, Default
from edge_agent.errors import ConfigError
from edge_agent.profiles import load_profile, profile_names

LAYERS_OF_SCALES = {f"edge_agent.drivers.{name}" for name in ("asking", "framing", "sources", "schema")}
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
    assert dict(load_profile(name, of=Layer))["name"] == name
    assert (REPOSITORY / "tests" / "captures" / name / "expected.jsonl").is_file()


def test_the_common_scales_are_shipped() -> None:
    models = """and-ad4400 axle-pt300-ticket dini-argeo mettler-toledo-continuous mettler-toledo-continuous-checksum
        mt-sics nci-scp01 ohaus-defender rice-lake-condec toledo-8217 tscale yaohua-equals-forward
        yaohua-equals-reversed yaohua-xk3190-a12 yaohua-xk3190-a12e yaohua-xk3190-a9-command yaohua-xk3190-a9-tf0"""
    assert {f"scale/{model}" for model in models.split()} <= set(profile_names())


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
        (('"listen"', '"poll"'), 'link: mode = "poll" needs a [[link.command]] with an interval'),
        (('"listen"', '"push"'), "link.mode: Input should be 'listen' or 'poll' (it is 'push')"),
        (('"xor8"', '"crc32"'), "frame.variant.0.checksum.algorithm: Input should be 'xor8', 'sum8' or 'neg7'"),
        (("at = 9,", "at = 11,"), "frame.variant.0: checksum reaches beyond the 12 bytes of length"),
        ((r"\d{6}", r"(\d{6}"), "frame.variant.0.match: not a regular expression over bytes"),
        (("at = [1, 8]", "at = [8, 1]"), "field.weight.at: a span is [first, one past the last]"),
        (("at = [1, 8]", "at = [6, 13]"), ". field.weight reaches byte 12"),
        (("byte = 8", "byte = 12"), "field.weight.scale10 reaches byte 12, and the shortest variant has only bytes"),
        (("length = 12", "length = 12\nend = '\\n'"), "frame.variant.0: give either length or end"),
        (("length = 12", "end = '\\n'"), "frame.variant.0: a checksum needs a length"),
        (("length = 12", "end = 'a*'"), "frame.variant.0: end matches nothing at all"),
        (("length = 12", 'length = 12\nnext = "start"\nstart = "3"'), "frame.variant.0.start: write one byte as two"),
        (('start = "02"\n', 'next = "start"\n'), "frame.next: unknown key"),
        (
            ('from = "slice"\nat = [1, 8]', 'from = "slice"'),
            'field.weight: a "slice" needs at, and a "group" needs group',
        ),
        (
            ('from = "slice"\nat = [1, 8]', 'from = "group"\ngroup = "digits"'),
            "field.weight names the group 'digits', and no variant's match has (?P<digits>…)",
        ),
        (
            ('default = "kg"', 'from = "group"\ngroup = "unit"\nmap = { KG = "kilo" }'),
            "field: unit may be kg, g, t, lb, not 'kilo'",
        ),
        (('as = "digit"', "mask = 7"), 'field.weight.scale10: give either as = "digit", or mask and map'),
        (('default = "kg"', 'default = "kilo"'), "field: unit may be kg, g, t, lb, not 'kilo'"),
    ],
)
def test_a_wrong_profile_is_told_by_file_key_and_likely_fix(write: Write, change: tuple[str, str], told: str) -> None:
    assert change[0] in TF0
    directory = write(TF0.replace(*change))
    assert told in problem(directory)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('[[state_if]]\ngroup = "x"\nstate = "overload"', "give either byte, mask and equals, or group and is"),
        ('[[state_if]]\nis = ["OL"]\nstate = "overload"', "give either byte, mask and equals, or group and is"),
        (
            '[[state_if]]\nbyte = 1\nmask = 1\nequals = 1\nstate = "broken"',
            "state_if.0.state: Input should be 'overload'",
        ),
        ('[[state_if]]\nbyte = 12\nmask = 1\nequals = 1\nstate = "invalid"', "state_if reaches byte 12"),
        (
            '[[flag_if]]\nbyte = 1\nmask = 1\nequals = 1\nflag = "Hold!"',
            "flag_if.0.flag: write a name in small letters",
        ),
        ("[part.axles]\nfind = 'AXL'", "part.axles: find needs exactly one group"),
        ("[part.axles]\ntotal = 'sum'", "part.axles: give either find or groups"),
        ("[part.axles]\ngroups = ['one']", "part.axles names the group 'one'"),
        ("[part.axles]\nfind = '([0-9]+)'\ntotal = 'sum'", "part.axles names the group 'sum'"),
        ('[groups]\nnumber = "no"\nown = "one"', "groups names the group 'no'"),
        ('[note.address]\ntext = "{a}"\nmpa = { A = 1 }', "note.address.mpa: unknown key. Did you mean 'map'?"),
    ],
)
def test_a_wrong_table_beside_the_fields_is_told(write: Write, table: str, told: str) -> None:
    assert told in problem(write(f"{TF0}{table}\n"))


def test_every_wrong_key_is_told_at_once(write: Write) -> None:
    text = problem(write(TF0.replace('start = "02"', 'start = "2"').replace("baud = 9600", "baud = 1")))
    assert "frame.start: " in text
    assert "link.baud: " in text


def test_a_wrong_variant_is_told_and_not_that_there_is_none(write: Write) -> None:
    text = problem(write(TF0.replace("length = 12", "length = 12\nlenght = 12")))
    assert "frame.variant.0.lenght: unknown key. Did you mean 'length'?" in text
    assert "at least 1 item" not in text


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


def test_a_profile_of_another_kind_than_needed_is_refused() -> None:
    class Radiation(Layer):
        """Not what a scale's profile is."""

    with pytest.raises(ConfigError, match="'scale/yaohua-xk3190-a9-tf0' is not the profile of a Radiation"):
        load_profile("scale/yaohua-xk3190-a9-tf0", of=Radiation)


def test_a_profile_cannot_name_itself(write: Write) -> None:
    with pytest.raises(ConfigError, match=r"mine\.toml.*a profile is named after its file"):
        load_profile("scale/mine", write('name = "scale/other"' + TF0))


def test_profiles_are_frozen() -> None:
    profile = load_profile("scale/mettler-toledo-continuous")
    with pytest.raises(ValidationError, match="frozen"):
        profile.link.baud = 1200
    assert isinstance(profile.field.kind, Bits)
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
    keys = {
        field.alias or name
        for layer in layers()
        if layer.__module__ in LAYERS_OF_SCALES  # the other kinds have pages of their own
        for name, field in layer.model_fields.items()
    }
    assert keys - {"name"} <= words
