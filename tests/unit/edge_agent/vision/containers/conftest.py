"""One reader and a few drawn containers for all tests of container numbers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from edge_agent.vision.containers import ContainerReader, TextReader
from edge_agent.vision.image import Image
from edge_agent.vision.models import ModelDirectory

Text = tuple[str, int, int]  # what, and the left end of its foot in pixels
Draw = Callable[[Sequence[Text]], Image]


@pytest.fixture(scope="session")
def container_reader(models: ModelDirectory) -> ContainerReader:
    return ContainerReader(models)


@pytest.fixture(scope="session")
def text_reader(models: ModelDirectory) -> TextReader:
    return TextReader(models)


@pytest.fixture(scope="session")
def draw(models: ModelDirectory) -> Draw:
    """White texts, 34 pixels high, on the brown of a container 640 x 480."""
    del models  # asked for because it skips where the extra is not installed
    import cv2

    def draw(texts: Sequence[Text]) -> Image:
        picture: Any = np.full((480, 640, 3), (40, 45, 80), np.uint8)
        for text, x, y in texts:
            cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_DUPLEX, 1.1, (235, 235, 235), 2, cv2.LINE_AA)
        return np.asarray(picture, np.uint8)

    return draw
