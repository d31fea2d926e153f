"""Prove that the code in a running Python process is the code on disk."""

__version__ = "0.1.0"
