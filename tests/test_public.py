"""The names of `import regtools as rt`."""

from __future__ import annotations

import inspect

import pytest

import regtools


@pytest.mark.parametrize("name", regtools.__all__)
def test_every_public_name_is_there_and_explained(name: str) -> None:
    found = getattr(regtools, name)
    assert inspect.getdoc(found)


def test_the_map_and_the_list_of_names_agree() -> None:
    assert sorted(regtools._HOMES) == sorted(regtools.__all__)


def test_another_name_is_none() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        regtools.no_such_thing  # noqa: B018
