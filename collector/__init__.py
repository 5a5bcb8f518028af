"""The collector: verifies, stores once, reconciles against declarations, and can prove what it holds."""

__version__ = "0.1.0"
