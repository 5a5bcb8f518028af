"""The layout of labelled images."""

from pathlib import Path

import pytest

from edge_agent.vision.faces.calibration import CalibrationError
from edge_agent.vision.faces.labelled import labelled_images, read_groups

PEOPLE = frozenset({"a", "b"})


def test_images_are_found_by_person_in_order_and_other_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.JPG", "a/x.jpeg", "a/notes.txt", "a/.hidden.jpg", ".git/x.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "loose.jpg").touch()
    assert [(image.identity, image.path.name) for image in labelled_images(tmp_path)] == [
        ("a", "x.jpeg"),
        ("b", "1.JPG"),
        ("b", "2.png"),
    ]


def test_no_directory_and_no_images_say_what_the_layout_is(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none"):
        with pytest.raises(CalibrationError, match="DIR/<identity>/<image>"):
            labelled_images(place)


def test_groups_are_optional_and_read_with_or_without_a_mark_at_the_beginning(tmp_path: Path) -> None:
    assert read_groups(tmp_path, PEOPLE) == {}
    (tmp_path / "groups.csv").write_text("\ufeffIdentity, Group\n a , 南 \n\nb,north\n", "utf-8")
    assert read_groups(tmp_path, PEOPLE) == {"a": "南", "b": "north"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line"),
        ("name,group\na,x\n", "first line"),
        ("identity,group\na\n", "line 2"),
        ("identity,group\na,x\nc,x\n", "line 3 is wrong. c is not a directory"),
        ("identity,group\na,x\na,y\n", "line 3 is wrong. a is named twice"),
        ("identity,group\na,all\n", "called all"),
    ],
)
def test_a_wrong_groups_file_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "groups.csv").write_text(text, "utf-8")
    with pytest.raises(CalibrationError, match=message):
        read_groups(tmp_path, PEOPLE)
