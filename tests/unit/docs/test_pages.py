"""Every page for readers: its links lead somewhere, and what it tells to type is there."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import hypothesis
import pytest

from collector.cases.policy import CasePolicy
from collector.cli import cli as gate_collector
from collector.config_retention import RetentionConfig
from collector.draws.policy import DrawPolicy
from edge_agent.cli import cli as edge_agent
from edge_agent.config import load_site
from edge_agent.status.cli import cli as gatectl

REPOSITORY = Path(__file__).resolve().parents[3]
PAGES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (
        REPOSITORY / "README.md",
        REPOSITORY / "CHANGELOG.md",
        *REPOSITORY.glob("docs/**/*.md"),
        *REPOSITORY.glob("firmware_configs/**/*.md"),
        *REPOSITORY.glob("benchmarks/*.md"),
    )
)
PROGRAMS: dict[str, click.Command] = {"gate-collector": gate_collector, "gatectl": gatectl, "edge-agent": edge_agent}
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
PROGRAM = re.compile(r"(?:\$ )?(?:sudo -u \S+ )?(?:[\w./$-]*/bin/)?(gate-collector|gatectl|edge-agent)(?= |$)(.*)")


def text_of(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def typed(page: str) -> Iterator[str]:
    """What stands in code: lines of fenced and indented blocks, and what stands in backticks in one line."""
    text = text_of(page)
    for _, block in FENCED.findall(text):
        yield from block.replace("\\\n", " ").splitlines()
    rest = FENCED.sub("", text)
    for line in rest.splitlines():
        if line.startswith("    "):
            yield line
        else:
            yield from re.findall(r"`([^`]+)`", line)


def commands(page: str) -> Iterator[str]:
    for line in typed(page):
        if (found := PROGRAM.match(line.strip())) is not None:
            yield f"{found[1]}{found[2]}"


def words_of(line: str) -> list[str]:
    """The words of one command: up to a comment, a pipe with spaces around it, or a redirection."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        words = line.split()
    ends = [at for at, word in enumerate(words) if word in ("|", "&&", ";", ">", "<", "2>&1", "—")]
    return [word.strip("[]…,") for word in words[: min(ends, default=len(words))]]


def faults(line: str) -> list[str]:
    """What of a command is not there."""
    name, *words = words_of(line)
    command = PROGRAMS[name]
    known: dict[str, click.Option] = {}
    found: list[str] = []
    values = 0
    for word in words:
        if values:
            values -= 1
        elif word.startswith("-") and len(word) > 1 and not word.startswith("—"):
            options = {name: each for each in command.params if isinstance(each, click.Option) for name in each.opts}
            known.update(options)
            name = word.partition("=")[0]
            if name in ("--help", "--version"):
                continue
            if name not in known:
                found.append(f"no option {word}")
            elif not known[name].is_flag and "=" not in word:
                values = known[name].nargs
        elif isinstance(command, click.Group):
            names = [each for each in word.split("|") if each]
            missing = [each for each in names if command.get_command(click.Context(command), each) is None]
            if missing or not names:
                return [*found, *(f"no command {each}" for each in missing)]
            if len(names) > 1:
                return found
            command = command.get_command(click.Context(command), names[0]) or command
    return found


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub and GitLab make it."""
    return re.sub(r"[^\w -]", "", heading.lstrip("# ").lower()).replace(" ", "-")


def headings(path: Path) -> set[str]:
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    return {slug(line) for line in text.splitlines() if line.startswith("#")}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    path = REPOSITORY / page
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, heading = target.partition("#")
        meant = path.parent / file if file else path
        assert meant.exists(), target
        assert not heading or heading in headings(meant), target


def test_every_page_is_linked_from_the_readme_or_a_page_that_is() -> None:
    reached: set[Path] = set()
    waiting = [REPOSITORY / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path.suffix != ".md" or not path.exists():
            continue
        reached.add(path)
        targets = re.findall(r"\]\(([^)\s#]+)", path.read_text(encoding="utf-8"))
        waiting += [(path.parent / target).resolve() for target in targets if ":" not in target]
    assert [page for page in PAGES if page.startswith("docs/") and REPOSITORY / page not in reached] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_that_is_named_is_there(page: str) -> None:
    wrong = {line: found for line in sorted(set(commands(page))) if (found := faults(line))}
    assert wrong == {}


def test_a_command_or_option_that_is_not_there_is_found() -> None:
    assert faults("gate-collector retention list") == ["no command retention"]
    assert faults("gate-collector cases list --open --no-such") == ["no option --no-such"]
    assert faults("gatectl lift PASSAGE --as C-17 --key /media/key.pem --reason 'shown on paper'") == []
    assert faults("edge-agent devices scan|probe|no-such") == ["no command no-such"]


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_is_named_is_there(page: str) -> None:
    named = {found[1] for line in typed(page) if (found := re.match(r"(?:\$ )?make ([a-z][a-z-]*)", line.strip()))}
    assert named <= TARGETS


def test_every_profile_of_hypothesis_that_is_named_is_there() -> None:
    named = {
        found[1] for page in PAGES for line in typed(page) if (found := re.search(r"HYPOTHESIS_PROFILE=(\w+)", line))
    }
    assert "long" in named
    for name in named:
        hypothesis.settings.get_profile(name)


def test_every_decision_is_in_the_index_once() -> None:
    directory = REPOSITORY / "docs" / "decisions"
    listed = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \|", (directory / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [file for _, file in listed] == sorted(path.name for path in directory.glob("0*.md"))
    assert all(file.startswith(number) for number, file in listed)


def tables(page: str) -> list[str]:
    return [block for kind, block in FENCED.findall(text_of(page)) if kind == "toml"]


def test_the_lanes_of_the_manual_are_accepted_together(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text('site = "test"\n\n' + "\n".join(tables("docs/lanes.md")) + LANE_DEVICES)
    assert [lane.kind for lane in load_site(site).lane] == ["vehicle", "empty-container", "passenger", "observation"]


def test_the_actuators_of_the_manual_are_accepted(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    (example,) = tables("docs/actuators.md")
    lane = '[[lane]]\nid = "out-1"\nkind = "vehicle"\ndirection = "outbound"\nloop_out = "lane-io/loop-out"\n'
    camera = '[[video]]\nid = "plates"\nsource = "rtsp://192.168.1.23/1"\nreads = ["plate"]\nlane = "out-1"\n'
    site.write_text(f'site = "test"\n\n{example}\n{lane}\n{camera}')
    assert [each.kind for each in load_site(site).actuator] == ["barrier", "lamp", "display"]


def test_the_site_file_of_the_readme_is_accepted(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    (example,) = tables("README.md")
    site.write_text(example)
    assert load_site(site).site == "xiuying"


@pytest.mark.parametrize(
    ("page", "table", "model"),
    [("docs/cases.md", "cases", CasePolicy), ("docs/draws.md", "draws", DrawPolicy)],
)
def test_the_configuration_of_the_manual_is_the_default(page: str, table: str, model: Any) -> None:
    (example,) = tables(page)
    assert model.model_validate(tomllib.loads(example)[table]) == model()


def test_the_terms_of_the_manual_are_the_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \((\d+) to (\d+)\)", text_of("docs/privacy.md"), re.MULTILINE)
    fields = RetentionConfig.model_fields
    assert {name: int(days) for name, days, _, _ in rows} == {name: each.default for name, each in fields.items()}


LANE_DEVICES = """
[[scale]]
id = "scale-1"
profile = "scale/yaohua-xk3190-a9-tf0"
port = "/dev/serial/by-id/scale-1"
division = "20 kg"

[[scale]]
id = "scale-2"
profile = "scale/yaohua-xk3190-a9-tf0"
port = "/dev/serial/by-id/scale-2"
division = "20 kg"

[[camera]]
id = "plate-front"
profile = "plate/hikvision-isapi-push"
listen = "192.168.1.10:8080"
allow = ["192.168.1.64"]

[[camera]]
id = "plate-rear"
profile = "plate/hikvision-isapi-push"
listen = "192.168.1.10:8081"
allow = ["192.168.1.65"]
"""
"""What the lanes of docs/lanes.md name and other pages describe."""
