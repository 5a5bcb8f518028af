"""Where a field stands."""

from __future__ import annotations

import pytest

from edge_agent.drivers.plate.paths import Path, Place, first_text, is_there
from edge_agent.drivers.plate.tree import Tree, read_json
from edge_agent.drivers.plate.xml_tree import read_xml

XML = read_xml(
    b'<Event><ANPR lane="3"><plate/><plate>AB1</plate>'
    b"<list><item><no>1</no></item><item><no>2</no></item></list></ANPR>"
    b'<p name="Direction">in</p><p name="Lane">4</p><deep><deeper><plate>ZZ9</plate></deeper></deep></Event>'
)
JSON = read_json(b'{"Object": {"ObjectType": "Plate", "Text": "CD2"}, "Way": ["Leave", "x"], "n": 5}')


def texts(path: str, tree: Tree) -> list[str]:
    return [str(value) for value in Path(path).values(Place(tree))]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("ANPR/plate", ["", "AB1"]),
        ("anpr/@lane", ["3"]),
        ("anpr/list/item/no", ["1", "2"]),
        ("anpr/list/item[1]/no", ["2"]),
        ("anpr/list/item[no=2]/no", ["2"]),
        ("anpr/*/item/no", ["1", "2"]),
        ("p[@name=lane]/#text", ["4"]),
        ("//plate", ["", "AB1", "ZZ9"]),
        ("//deeper/plate", ["ZZ9"]),
        ("plate", []),
        ("anpr/plate/none", []),
    ],
)
def test_paths_in_xml(path: str, found: list[str]) -> None:
    assert texts(path, XML) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("object[objecttype=plate]/text", ["CD2"]),
        ("object[objecttype=vehicle]/text", []),
        ("way", ["Leave", "x"]),
        ("way[0]", ["Leave"]),
        ("n", ["5"]),
        ("n/x", []),
    ],
)
def test_paths_in_json(path: str, found: list[str]) -> None:
    assert isinstance(JSON, dict)
    assert texts(path, JSON) == found


def test_the_first_path_with_text_counts_then_what_is_around() -> None:
    inner: Tree = {"a": "", "b": "two"}
    outer: Tree = {"a": "one", "c": {"d": "deep"}}
    assert first_text((Path("a"), Path("b")), Place(inner, outer)) == "one"
    assert first_text((Path("b"), Path("a")), Place(inner, outer)) == "two"
    assert first_text((Path("//d"),), Place(inner, outer)) is None  # around it are its neighbours, too


def test_an_empty_element_is_there() -> None:
    assert is_there((Path("anpr/plate"),), Place(XML))
    assert not is_there((Path("anpr/none"),), Place(XML))


@pytest.mark.parametrize("text", ["", "a//b", "a[", "a[x]", "a b", "/a", "a/", "//*/a"])
def test_what_is_no_path_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="no step of a path"):
        Path(text)
