"""Model directories: what is in one, whether it may be used, and how the default one is built without the network."""

from edge_agent.vision.models.directory import (
    Model,
    ModelDirectory,
    ModelError,
    default_directory,
)

__all__ = ["Model", "ModelDirectory", "ModelError", "default_directory"]
