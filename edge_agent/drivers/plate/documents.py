"""A document of a camera as trees: in whatever language it is, and where several events stand in one. Pure."""

from __future__ import annotations

import re

from edge_agent.drivers.plate.parts import Document
from edge_agent.drivers.plate.paths import Path, Place
from edge_agent.drivers.plate.tree import Tree, Value, plain_text, read_json, read_pairs
from edge_agent.drivers.plate.xml_tree import read_xml, xml_text

_DAHUA = re.compile(rb"\s*([A-Za-z]+)\s*=\s*([^;\r\n]*)(?:;|\s*\Z)")
_DAHUA_DATA = re.compile(rb";?[ \t]*data[ \t]*=[ \t]*", re.IGNORECASE)


def tree_of(document: Document) -> Value:
    """What it says; TreeError when it is none."""
    match document.form:
        case "xml":
            return read_xml(document.raw)
        case "json":
            return read_json(document.raw)
        case "pairs":
            return read_pairs(document.raw)
        case _:
            return _read_dahua(document.raw)


def whole_text(document: Document) -> str | None:
    """What is written there; None when only reading it tells in which encoding. TreeError when it is in none."""
    match document.form:
        case "xml":
            return xml_text(document.raw)
        case "json" | "pairs":
            return plain_text(document.raw)
        case _:
            try:
                return document.raw.decode()
            except UnicodeDecodeError:
                return None


def _read_dahua(raw: bytes) -> Tree:
    """`Code=…;action=…;index=…;data={…}`: the data's own tree with "code", "action" and "index" around it."""
    data = _DAHUA_DATA.search(raw)
    head = raw[: data.start()] if data else raw
    around: Tree = {}
    for pair in _DAHUA.finditer(head):
        around.setdefault(pair[1].decode().lower(), pair[2].decode("utf-8", "replace").strip())
    if data and data.end() < len(raw.rstrip()):
        body = raw[data.end() :].strip()
        around["data"] = read_json(body) if body[:1] in (b"{", b"[") else body.decode("utf-8", "replace")
    return around


def entries(tree: Tree, steps: tuple[Path, ...]) -> list[tuple[Tree, ...]]:
    """What stands at the path of these steps, each with what is around it, the nearest first."""
    chains: list[tuple[Tree, ...]] = [(tree,)]
    for step in steps:
        chains = [(each, *chain) for chain in chains for each in step.values(Place(chain[0])) if isinstance(each, dict)]
        if not chains:
            break
    return chains
