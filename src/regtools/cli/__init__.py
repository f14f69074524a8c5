"""The command line: words for people. Parse, call one function, print."""

from regtools.cli.app import main, takes_option

__all__ = ["main", "takes_option"]
