"""One plate reader for all tests: loading its models takes a second."""

import pytest

from edge_agent.vision.models.directory import ModelDirectory
from edge_agent.vision.plates.reader import PlateReader


@pytest.fixture(scope="session")
def reader(models: ModelDirectory) -> PlateReader:
    """The default models' reader, one thread."""
    return PlateReader(models)
