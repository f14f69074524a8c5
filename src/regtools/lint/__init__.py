"""Mistakes in files with credentials, found without a network. No secret is ever shown."""

from regtools.lint.finding import Finding
from regtools.lint.secret import Question, lint_secret

__all__ = ["Finding", "Question", "lint_secret"]
