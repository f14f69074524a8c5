"""The sample company at a fixed time, its registry running, and its history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from regtools.demo import Company, SampleRegistry, sample_history
from regtools.history import History

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def company() -> Company:
    """Harbourline, whose story ends at `NOW`."""
    return Company(NOW)


@pytest.fixture(scope="session")
def registry(company: Company) -> Iterator[SampleRegistry]:
    """Harbourline's registry at `NOW`, asking nobody for a token."""
    with SampleRegistry(company, at=NOW, users=None) as running:
        yield running


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Harbourline's history, with fewer snapshots than in the demo."""
    folder = tmp_path_factory.mktemp("sample-history")
    return sample_history(folder, now=NOW, weeks_between=4)
