"""What the program says in English where field staff read it, taken from its source.

Nothing of it is left out but by a rule that stands here with its reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import edge_agent
import gate_contract

AGENT = Path(edge_agent.__file__).parent
CONTRACT = Path(gate_contract.__file__).parent

ROOMS = (
    *("actuate/*.py", "app/*.py", "assemble/*.py", "decide/orders.py", "desk/spool.py"),
    *("drivers/ais/*.py", "drivers/document/zone.py", "drivers/engine.py", "drivers/fields.py", "drivers/gnss/*.py"),
    *("drivers/nmea0183.py", "drivers/plate/*.py", "drivers/radiation/*.py", "drivers/rfid/*.py"),
    *("drivers/scale/driver.py", "drivers/stream.py", "drivers/variants.py", "drivers/xray/d*.py"),
    *("enrol.py", "journal/*.py", "links/*.py", "links/camera/*.py", "model/handed_act.py", "optional.py"),
    *("reference/*.py", "status/*.py", "status/acts/*.py", "status/screens/*.py", "uplink/*.py"),
    *("vision/extra.py", "vision/image.py", "vision/models/directory.py", "vision/models/licences.py"),
)
"""Where the texts of incidents, devices, the uplink, the journal, orphans and garbled bytes are made."""

SHARED = ("acts.py", "orders.py", "reference.py", "rules/policy.py")
"""The same of the contract: why an act, an order, a slice or a policy does not hold."""

SILENT = frozenset(
    {
        "app/actuators.py",  # names of threads
        "app/lanes.py",  # faults of the site file: the agent does not start with them
        "app/line.py",  # the same
        "app/metrics.py",  # what metrics mean
        "app/metrics_server.py",
        "app/vision_preview.py",  # a tool at a terminal
        "app/vision_preview_server.py",
        "app/vision_watch.py",
        "assemble/missing.py",  # what a passage lacks: gatectl shows the passage in short
        "assemble/weights.py",  # why a passage was revised: the same
        "drivers/plate/page.py",  # a page of the manual
        "drivers/plate/paths.py",  # faults of profiles
        "drivers/plate/schema.py",
        "journal/fsck.py",  # a command of edge-agent
        "journal/migrate.py",  # what is wrong with an older agent's journal: told in the log
        "links/http_credentials.py",  # for cameras
        "links/ports.py",  # a udev rule
        "status/cli.py",  # help, which has a table of its own
        "status/acts/commands.py",
        "status/words.py",  # both languages side by side
        "status/screens/why.py",  # commands to be typed
        "status/words_rules.py",
    }
)
"""Modules of those rooms that say nothing that `gatectl` shows."""

NOT_TOLD = frozenset(
    {
        # Names of what incidents are about, and of threads.
        *("pushes to {}", "reference data", "the collector", "camera {}", "line {}", "Modbus devices", "GPIO lines"),
        # Why a passage was revised: gatectl shows the passage in short.
        *("the {} has left; what was read after the decision has been added", "the vehicle went back the way it came"),
        *(
            "the vehicle was read again; its further reads were added",
            "the scanner told more of a scan after the decision",
        ),
        *("the {} came after the passage had been decided", "the plate came after the passage had been decided"),
        "the plate was read otherwise, and surer, after the passage had been decided",
        # Marks in what libraries and systems say.
        *("ping timeout", "hostname verification", "connection refused", "errors resolving", "timed out"),
        *("not yet valid", "socket closed", "broken pipe", "socket disconnected", "returned no data"),
        "peer closed",
        *("reader thread died", "does not seem to support rfc2217", "does not accept parameter change"),
        *("remote rejected value for option", "timeout while waiting for option"),
        "Cannot operate on a closed database.",
        # `edge-agent enrol`, at a terminal.
        *("ask for a new invitation, and carry the file as it is", "this is no invitation"),
        "a value is empty or no text",
        *("the invitation has format {}, this release reads {}", "install the release that fits the collector's"),
        *("the collector's answer does not fit the invitation", "it admitted {} with journal {}; expected was {}"),
        "ask for a new invitation; the collector's deployment name may have changed since",
        # What a browser is shown that comes by.
        *("This is a gate. Devices push to it:", "You are {}."),
        # The agent does not start with it.
        *(
            "the runtime directory {} cannot be made",
            "Say what is wired where, e.g. inputs = {}",
            "Correct one of them",
        ),
        *(
            "correct runtime_dir in [agent], or let the agent's user write there",
            "Write listen and allow in place of url",
        ),
        'Write url = "http://CAMERA" in place of listen and allow',
        *("Keeping pictures", "No picture is written as {}", "Use one of {}"),
        *("correct the file, or remove the key", "the policy file {} cannot be used"),
        # The English half of what is said in both languages.
        "{} of {} pictures could not be kept: the disk is full. Keep them yourself.",
        # A command to be typed, and what a library puts before its own words.
        *("edge-agent models build --dir {}", "Value error, "),
        # Something is put behind or before it; it stands in the tables whole.
        *(", wrong check digits: {}", "known here: ", ", or no TLS from its port"),
        "; if it answers ping, whether that port is its https port",
        "See: v4l2-ctl --list-devices, and fuser ",
    }
)

UNSHOWN = {"ConfigError", "ValueError", "TypeError", "AssertionError", "KeyError", "RuntimeError"}
"""Errors that no status or record shows: the agent does not start with them, or they are mistakes of its makers."""

UNTOLD = {"Thread", "compile", "option", "getLogger", "execute", "executescript"}
"""Calls whose texts are for nobody."""

_SENTENCE = re.compile(r"[a-z]{2}.* .*[a-z]|[a-z].* .*[a-z]{2}", re.DOTALL)
_NO_SENTENCE = re.compile(
    r"\s*(CREATE|SELECT|INSERT|DELETE|UPDATE|DROP|ALTER|PRAGMA) |.*\\|<|.*\r\n|\s*#|\[|.* \| |dict\[|.*; charset=",
    re.DOTALL,
)
"""SQL, regular expressions, markup, heads of messages, types."""


def sentences() -> Iterator[tuple[str, str]]:
    """(where, form): each sentence with `{}` for what it names."""
    for root, rooms in ((AGENT, ROOMS), (CONTRACT, SHARED)):
        for path in sorted(each for room in rooms for each in root.glob(room)):
            where = str(path.relative_to(root))
            if where not in SILENT or root is not AGENT:
                for form in forms_in(ast.parse(path.read_text(encoding="utf-8"))):
                    yield where, form


def forms_in(tree: ast.AST) -> Iterator[str]:
    """The sentences of one module."""
    untold: set[ast.AST] = set()
    for node in ast.walk(tree):
        if says_nothing(node):
            untold.update(ast.walk(node))
        elif isinstance(node, ast.JoinedStr):  # what stands between its holes is told with it; what fills one, beside
            untold.update(each for each in node.values if isinstance(each, ast.Constant))
    for node in ast.walk(tree):
        form = None if node in untold else form_of(node)
        if form and _SENTENCE.search(form) and not _NO_SENTENCE.match(form) and form not in NOT_TOLD:
            yield form


def says_nothing(node: ast.AST) -> bool:
    """Docstrings, logs, names of threads, and errors that nobody is shown."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if not isinstance(node, ast.Call):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return getattr(getattr(node.func, "value", None), "id", "") == "LOG" or called in UNTOLD | UNSHOWN


def form_of(node: ast.AST) -> str | None:
    """A text as it stands in the source, with {} for what it names; None for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{[^{}]*\}", "{}", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None
