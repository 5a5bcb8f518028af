"""The DET plot."""

from xml.etree import ElementTree as ET

from edge_agent.vision.faces.det_plot import HEIGHT, WIDTH, det_svg

CURVE = [(0.80, 0.1, 0.0), (0.90, 0.01, 0.01), (0.95, 0.0, 0.1)]
SVG = "{http://www.w3.org/2000/svg}"


def test_it_is_an_svg_with_a_line_a_group_a_legend_and_the_marked_threshold() -> None:
    root = ET.fromstring(  # noqa: S314 - our own text
        det_svg({"all": CURVE, "<南>": CURVE}, {"threshold 0.9000": (0.01, 0.01)}, "DET & more")
    )
    assert len(root.findall(f".//{SVG}polyline")) == 2
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {"DET & more", "<南>", "threshold 0.9000", "false match rate (FMR)"} <= set(texts)
    assert len(root.findall(f".//{SVG}circle")) == 1


def test_every_point_is_in_the_picture_and_lower_rates_are_nearer_to_the_corner() -> None:
    root = ET.fromstring(det_svg({"all": CURVE}, {}, "DET"))  # noqa: S314 - our own text
    (line,) = root.findall(f".//{SVG}polyline")
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert points[0][0] > points[1][0] > points[2][0]  # FMR falls: to the left
    assert points[0][1] > points[1][1] > points[2][1]  # FNMR rises: upwards


def test_a_group_without_pairs_is_in_the_legend_alone() -> None:
    root = ET.fromstring(det_svg({"all": CURVE, "one": []}, {}, "DET"))  # noqa: S314 - our own text
    assert len(root.findall(f".//{SVG}polyline")) == 1
    assert "one (no pairs)" in [element.text for element in root.iter(f"{SVG}text")]
