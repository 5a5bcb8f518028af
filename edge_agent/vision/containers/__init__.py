"""Container numbers from pictures: text found and read, joined into ISO 6346 numbers, checked and voted."""

from edge_agent.vision.containers.number import ContainerRead
from edge_agent.vision.containers.reader import ContainerReader
from edge_agent.vision.containers.text import TextRead, TextReader
from edge_agent.vision.containers.voting import vote

__all__ = ["ContainerRead", "ContainerReader", "TextRead", "TextReader", "vote"]
