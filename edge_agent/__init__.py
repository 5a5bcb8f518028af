"""The edge agent: reads a lane's devices, decides locally, keeps everything in a sealed journal."""

__version__ = "0.1.0"
