"""Lists for ``skopeo sync --src yaml``: which tags of which repositories.

skopeo puts all images of one run into one folder of the destination, each under the last part of
its name (skopeo-sync(1), read 2026-11): so there is one list for each such folder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from regtools.copying.move import Copies, Copy
from regtools.copying.script import is_plain
from regtools.copying.written import as_yaml, one_line

_HEAD: Final = """\
# Made by regtools migrate plan: {about}.
# Log in to both registries first (skopeo login), then:
#   skopeo sync --all --preserve-digests --keep-going{tls} --src yaml --dest docker \\
#     {file} {folder}
# It copies tags as they are when it runs. Not in here: referrers without a tag, lists of referrers,
# indexes in an index, and repositories whose last part changes; the script copies those too:
#   regtools migrate plan … --emit script
"""


def skopeo_sync(copies: Copies) -> Mapping[str, str]:
    """Write a list for each folder of the destination: file name → text."""
    lists_only = {(one.repository, one.tag) for one in copies.copies if one.is_list_only}
    folders: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in copies.tagged:
        if not has_other_name(one) and (one.repository, one.tag) not in lists_only:
            folder = one.destination.rpartition("/")[0]
            folders[folder][one.repository].append(one.tag)
    names = _file_names(list(folders))
    return {
        names[folder]: _file(copies, folder, names[folder], images)
        for folder, images in folders.items()
    }


def has_other_name(one: Copy) -> bool:
    """Whether a repository is called otherwise at the destination, by the last part of its path."""
    return one.repository.rpartition("/")[2] != one.destination.rpartition("/")[2]


def _file_names(folders: list[str]) -> dict[str, str]:
    if len(folders) == 1:
        return {folders[0]: "skopeo-sync.yml"}
    return {
        folder: f"skopeo-sync-{number:03}-{folder.replace('/', '-') or 'root'}.yml"
        for number, folder in enumerate(sorted(folders), start=1)
    }


def _file(copies: Copies, folder: str, name: str, images: Mapping[str, list[str]]) -> str:
    source, destination = copies.source, copies.destination
    registry: dict[str, Any] = {"images": {name: list(tags) for name, tags in images.items()}}
    if is_plain(source):
        registry = {"tls-verify": False, **registry}
    head = _HEAD.format(
        about=one_line(copies.about),
        tls=" --dest-tls-verify=false" if is_plain(destination) else "",
        file=name,
        folder="/".join(part for part in (destination.registry, folder) if part),
    )
    return head + as_yaml({source.registry: registry})
