"""Providers beside each other: where the answer tips over, what moves it, and what a move takes."""
