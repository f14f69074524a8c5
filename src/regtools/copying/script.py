"""A shell script that copies with skopeo, by digest, to be read before it is run."""

from __future__ import annotations

import shlex
from typing import Final

from regtools.copying.move import Copies, Copy
from regtools.copying.written import one_line
from regtools.reference import DOCKER_HUB, Target

_HEAD: Final = """\
#!/bin/sh
# Made by regtools migrate plan: {about}.
# Read it, then start it with --copy; without, it only shows what it would do.
#
# Look first:
# - Log in to both: skopeo login {source_host}; skopeo login {destination_host}
{first}# - Each line copies what the scan saw, by its digest. A tag that was moved since is copied as it
#   was: plan again, and run this again, right before the switch.
# - A tag at the destination that has another digest is in here only if the plan was made with
#   --overwrite.
# It goes on after a failure, tells how many there were, and ends with 1. It may be run again: what
# is there is not sent again.
# SKOPEO_OPTIONS holds more options of skopeo copy, such as --retry-times 3.
# CURL_OPTIONS holds options of curl, such as --netrc; it is used for lists of referrers only, which
# skopeo refuses to copy unchanged where they tell the kind of an artifact (seen with 1.9 to 1.20,
# containers/skopeo#2778), and speaks no token protocol. A registry that has the referrers API
# needs no such list.
set -u
SKOPEO_OPTIONS=${{SKOPEO_OPTIONS:-}}
CURL_OPTIONS=${{CURL_OPTIONS:-}}
failed=0
really=${{1:-}}
case "$really" in
  "" | --copy) ;;
  *) echo "usage: $0 [--copy]" >&2; exit 2 ;;
esac

fail() {{
  echo "failed: $1" >&2
  failed=$((failed + 1))
}}

# image SOURCE DESTINATION: with all that its index lists.
image() {{
  [ "$really" = --copy ] || {{ echo "would copy $1 to $2"; return; }}
  # shellcheck disable=SC2086  # the options are words
  skopeo copy --all --preserve-digests --quiet{tls} $SKOPEO_OPTIONS \\
    "docker://$1" "docker://$2" || fail "$2"
}}

# list SOURCE DESTINATION URL TYPE: an index alone; what it lists was copied before.
list() {{
  [ "$really" = --copy ] || {{ echo "would copy $1 to $2"; return; }}
  # shellcheck disable=SC2086
  skopeo copy --multi-arch=index-only --preserve-digests --quiet{tls} $SKOPEO_OPTIONS \\
    "docker://$1" "docker://$2" 2>/dev/null ||
    skopeo inspect --raw{inspect_tls} "docker://$1" |
    curl --fail --silent --show-error --output /dev/null $CURL_OPTIONS --request PUT \\
      --header "Content-Type: $4" --data-binary @- "$3" || fail "$2"
}}

"""
_TAIL: Final = """
[ "$failed" -eq 0 ] || {{ echo "$failed of {lines} failed" >&2; exit 1; }}
[ "$really" = --copy ] || exit 0
echo {last} >&2
"""


def script(copies: Copies) -> str:
    """Write the script; names are those of the grammar already."""
    source, destination = copies.source, copies.destination
    head = _HEAD.format(
        about=one_line(copies.about),
        first="".join(f"# - {one_line(said)}.\n" for said in copies.first),
        source_host=source.registry,
        destination_host=destination.registry,
        tls=_tls(source, "src-") + _tls(destination, "dest-"),
        inspect_tls=_tls(source),
    )
    lines = [_line(one, copies) for one in copies.copies]
    compare = f"regtools migrate verify {source} {destination}"
    last = shlex.quote(f"All {len(lines)} copied. Compare: {compare}")
    tail = _TAIL.format(lines=len(lines), last=last)
    return head + "".join(f"{line}\n" for line in lines) + tail


def _line(one: Copy, copies: Copies) -> str:
    registry = copies.destination.registry
    words = [
        f"{copies.source.registry}/{one.repository}@{one.digest}",
        f"{registry}/{one.place}",
    ]
    if one.is_list_only:
        scheme = "http" if is_plain(copies.destination) else "https"
        host = "registry-1.docker.io" if registry == DOCKER_HUB else registry
        reference = one.tag or one.digest
        words += [
            f"{scheme}://{host}/v2/{one.destination}/manifests/{reference}",
            one.media_type,
        ]
    return " ".join(["list" if one.is_list_only else "image", *map(shlex.quote, words)])


def is_plain(target: Target) -> bool:
    """Whether a registry is spoken to without TLS."""
    return target.scheme == "http" or (target.scheme is None and target.is_loopback)


def _tls(target: Target, which: str = "") -> str:
    option = "tls-verify=false"
    return f" --{which}{option}" if is_plain(target) else ""
