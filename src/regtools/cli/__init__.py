"""The command line: words for people. Parse, call one function, print."""

from regtools.cli.app import main

__all__ = ["main"]
