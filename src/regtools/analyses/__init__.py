"""Answers from the history: frames in plain types, computed by SQL, without any network."""
