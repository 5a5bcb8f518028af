"""Where a field stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.paths import Path, Place, TextAt, first_text, is_there
from edge_agent.drivers.plate.tree import Tree, read_json, text_of
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
        ("anpr/list/item[no=*2]/no", ["2"]),
        ("anpr/list/item[no=]/no", []),
        ("anpr/list/item[yes=]/no", ["1", "2"]),
        ("[#root=event]//deeper/plate", ["ZZ9"]),
        ("[#root=other]//deeper/plate", []),
        ("[#root=ev*]anpr/@lane", ["3"]),
        ("[none=]anpr/@lane", ["3"]),
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


LEAVES = st.sampled_from(["", " ", "x", "y ", 7, None, True])
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), TREES, max_size=3), min_size=1, max_size=2),
    st.lists(
        st.sampled_from(["a", "a/b", "a/b/c", "//b", "//b/c", "*/a", "a[0]", "b[a=x]/c", "[a=x*]b", "[c=]//b"]),
        max_size=3,
    ),
)
def test_the_quick_way_finds_the_text_that_the_paths_find(trees: list[Tree], paths: list[str]) -> None:
    place = Place(*trees)
    assert TextAt(paths)(place) == text_of(first_text(tuple(map(Path, paths)), place))


def test_an_empty_element_is_there() -> None:
    assert is_there((Path("anpr/plate"),), Place(XML))
    assert not is_there((Path("anpr/none"),), Place(XML))


@pytest.mark.parametrize("text", ["", "a//b", "a[", "a[x]", "a b", "/a", "a/", "//*/a", "[a=b]", "[a]b"])
def test_what_is_no_path_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="no step of a path"):
        Path(text)
