"""The reference implementation: `registry:2` and v3, self-hosted.

Lists by: ``/v2/_catalog``. Authenticates by: nothing, htpasswd, or a token server of the operator's.
Dedup scope: one blob store for all repositories (distribution's storage layout, read 2026-11).
Web page: none of its own; Joxit's docker-registry-ui, which takes the registry as ``url`` and
shows a repository at ``#!/taglist/NAME`` and a tag at ``#!/taghistory/image/NAME/tag/TAG`` (its
README and ``src/scripts``, 2026-11).
"""

from regtools.registries._base import RegistryKind

DISTRIBUTION = RegistryKind(
    name="distribution",
    title="Docker Registry (registry:2, v3)",
    dedup_scope="registry",
    ui_page="{ui}/?url={registry_quoted}#!/taglist/{repository}",
    ui_tag_page="{ui}/?url={registry_quoted}#!/taghistory/image/{repository}/tag/{tag}",
    ui_registry_page="{ui}/?url={registry_quoted}",
    ui_actions=("list", "delete"),
    ui_note="none of its own; docker-registry-ui, which deletes where DELETE_IMAGES is set",
    authenticates="htpasswd, or tokens of your own token server",
    lists="the catalog",
    collection=(
        "while nobody pushes, run `registry garbage-collect /etc/docker/registry/config.yml` on "
        "its machine, without --delete-untagged, which in 2.x also deletes the images of indexes "
        "that stay."
    ),
)
