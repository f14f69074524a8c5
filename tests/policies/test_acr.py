"""``acr purge``: what its README and its tests say, how it is found in files, what is odd."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policies.images import DAY, NOW, codes, image, plain_images, shaped_images, view

from regtools.errors import ConfigError
from regtools.policies import Policy, Version, read_policy
from regtools.policies.acr import AcrPolicy, is_acr, parse_acr
from regtools.policies.acr.purge import Purge


def policy(text: str) -> AcrPolicy:
    return parse_acr(f"acr purge {text}")


def only(text: str) -> Purge:
    (step,) = policy(text).steps
    assert isinstance(step, Purge)
    return step


def lost(text: str, *versions: Version, repository: str = "app") -> list[str]:
    verdicts = policy(text).decide(view(*versions, repository=repository), now=NOW)
    return sorted(tag for one in verdicts for tag in one.tags)


def removed(text: str, *versions: Version, repository: str = "app") -> list[str]:
    verdicts = policy(text).decide(view(*versions, repository=repository), now=NOW)
    return sorted(one.digest for one in verdicts if one.whole)


OLD = (
    image("a", "hello", "hello-world", days=40),
    image("b", "the-world", "say-hello", days=31),
    image("c", "hello-new", days=29),
)


# The README of Azure/acr-cli, March 2026, tables "filter flag" and "ago flag".
@pytest.mark.parametrize(
    ("given_filter", "gone"),
    [
        ("app:^hello.*", ["hello", "hello-world"]),
        (r"app:\w*world\b", ["hello-world", "the-world"]),
        ("app:hello-world", ["hello-world"]),
        (".*/cache:.*", []),
        ("app:.*", ["hello", "hello-world", "say-hello", "the-world"]),
        (".*:.*", ["hello", "hello-world", "say-hello", "the-world"]),
        ("app:^$", []),
        ("ap:.*", []),
        ("a.+:^hello$", ["hello"]),
    ],
)
def test_filters_choose_as_the_readme_says(given_filter: str, gone: list[str]) -> None:
    assert lost(f"--filter '{given_filter}' --ago 30d", *OLD) == gone


def test_a_filter_of_repositories_ending_in_cache() -> None:
    found = lost("--filter '.*/cache:.*' --ago 30d", *OLD, repository="team/cache")
    assert found == ["hello", "hello-world", "say-hello", "the-world"]


def test_what_is_locked_stays_unless_it_is_said() -> None:
    tagged = replace(image("a", "free", "held", days=40), locked_tags=frozenset({"held"}))
    bare = replace(image("b", days=40), is_locked=True)
    command = "--filter 'app:.*' --ago 30d --untagged"
    assert lost(command, tagged, bare) == ["free"]
    assert removed(command, tagged, bare) == []
    more = f"{command} --include-locked"
    assert lost(more, tagged, bare) == ["free", "held"]
    assert removed(more, tagged, bare) == ["a", "b"]
    assert policy(more).unlocks
    assert not policy(command).unlocks


# acr-cli's own tests, TestParseDuration; what it takes for what nobody means is refused here.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15m", timedelta(minutes=15)),
        ("1d1h3m", timedelta(hours=25, minutes=3)),
        ("3d", timedelta(days=3)),
        ("0m", timedelta()),
        ("0", timedelta()),
        ("2d3h6m", timedelta(days=2, hours=3, minutes=6)),
        ("999999d", timedelta(days=150 * 365)),
        ("999999999d999999h", timedelta(days=150 * 365)),
    ],
)
def test_an_age_is_days_and_then_gos_duration(text: str, expected: timedelta) -> None:
    assert only(f"--filter app:.* --ago {text}").ago == expected


@pytest.mark.parametrize("text", ["30", "15p", "-1d", "d", "1.5d", "1h2d", "1w", "--dry-run", "''"])
def test_an_age_that_would_be_taken_for_another_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--ago"):
        policy(f"--filter app:.* --ago {text}")


# acr-cli's own tests, TestGetRepositoryAndTagRegex.
@pytest.mark.parametrize(
    ("text", "repository", "tag"),
    [
        ("foo:bar", "foo", "bar"),
        ("hello-(?:abc):zzz", "hello-(?:abc)", "zzz"),
        ("hello-:z-(?:abc)zz", "hello-", "z-(?:abc)zz"),
        ("hello-(?:abc)?:z-(?:[:])zz", "hello-(?:abc)?", "z-(?:[:])zz"),
        (
            "[[:alpha:]](?:abc)(?:.*)?:test123[[:digit:]](?:.*)",
            "[[:alpha:]](?:abc)(?:.*)?",
            "test123[[:digit:]](?:.*)",
        ),
    ],
)
def test_a_filter_is_cut_at_its_one_colon(text: str, repository: str, tag: str) -> None:
    (found,) = only(f"--filter '{text}' --ago 1d").filters
    assert (found.repository.text, found.tag.text) == (f"^{repository}$", tag)


@pytest.mark.parametrize("text", ["foo", "foo:bar:zzz", ":x", "x:", "foo:(", "foo:[", "fo(o:x"])
def test_a_filter_that_cannot_be_cut_or_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--filter"):
        policy(f"--filter '{text}' --ago 1d")


@pytest.mark.parametrize(
    ("pattern", "gone"),
    [
        ("v1(?!-a)", ["v1-b", "v1-c"]),  # acr-cli's own tests, TestPurgeTags
        ("v1-*[abc]+(?<!-[a])", ["v1-b", "v1-c"]),
        ("^((?!-b).)*$", ["v1-a", "v1-c"]),
        ("^v1-(?=[ab])", ["v1-a", "v1-b"]),
    ],
)
def test_a_filter_may_look_around_as_in_the_command(pattern: str, gone: list[str]) -> None:
    tags = image("a", "v1-a", "v1-b", "v1-c", days=9)
    assert lost(f"--filter 'app:{pattern}' --ago 1d", tags) == gone


@pytest.mark.parametrize(
    "pattern",
    [r"(?=a)(a+)+$", r"(?!x)(a|a)*$", r"(?!x)((a*)b)*$", r"(?!x)(a)\1", "(?=.*.*.*.*.*)x", "(?!("],
)
def test_a_pattern_that_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigError) as caught:
        policy(f"--filter 'app:{pattern}' --ago 1d")
    assert caught.value.code == "POLICY_INVALID"


def test_a_choice_of_repositories_is_held_at_one_end_only_as_in_the_command() -> None:
    command = "--filter 'app|web:.*' --ago 1d"
    for name, expected in (("app", ["v1"]), ("apple", ["v1"]), ("my-web", ["v1"]), ("my-app", [])):
        assert lost(command, image("a", "v1", days=9), repository=name) == expected
    assert codes(policy(command))[0] == "PATTERN_HALF_ANCHORED"
    assert "PATTERN_HALF_ANCHORED" not in codes(policy("--filter '(app|web):a|b' --ago 1d"))


def test_keep_spares_the_newest_of_those_that_would_go() -> None:
    versions = [image(f"d{days}", f"v{days}", days=days) for days in (1, 2, 40, 50, 60)]
    assert lost("--filter app:v --ago 30d --keep 1", *versions) == ["v50", "v60"]
    assert lost("--filter app:v --ago 30d --keep 3", *versions) == []
    assert lost("--filter app:v5 --ago 30d --keep 1", *versions) == []


def test_filters_of_one_repository_count_together() -> None:
    versions = [image("a", "dev-1", days=9), image("b", "rc-1", days=8), image("c", "v1", days=7)]
    command = "--filter app:^dev --filter 'a.*:^rc' --ago 1d --keep 1"
    assert lost(command, *versions) == ["dev-1"]


def test_tags_are_as_old_as_each_of_them() -> None:
    version = Version(
        digest="a",
        tags=("latest", "v1"),
        pushed_at=NOW,
        tagged_at=(NOW - DAY / 2, NOW - 9 * DAY),
    )
    assert lost("--filter app:.* --ago 1d", version) == ["v1"]


TREE = (
    image("index", "v1", days=40),
    image("part", days=40, parents=["index"]),
    image("nested", days=40, parents=["part"]),
    image("loose", days=40),
    image("fresh", days=1),
    image("signature", days=40, subject="index"),
    image("undated", days=None),
)


def test_without_untagged_only_tags_go() -> None:
    (verdict,) = policy("--filter app:.* --ago 30d").decide(view(*TREE, repository="app"), now=NOW)
    assert (verdict.digest, verdict.tags, verdict.whole) == ("index", ("v1",), False)
    assert verdict.rule == "acr purge --filter 'app:.*' --ago 30d"


def test_untagged_takes_what_is_left_without_a_tag_and_is_old_enough() -> None:
    command = "--filter app:.* --ago 30d --untagged"
    assert removed(command, *TREE) == ["index", "loose", "nested", "part"]
    # README: clean only untagged manifests.
    assert removed("--filter app:^$ --ago 30d --untagged", *TREE) == ["loose"]
    assert removed("--filter app:^$ --ago 0d --untagged", *TREE) == ["fresh", "loose"]


def test_untagged_only_takes_no_tag_and_needs_neither_filter_nor_age() -> None:
    assert removed("--untagged-only", *TREE) == ["fresh", "loose"]
    assert lost("--untagged-only", *TREE) == []
    assert removed("--untagged-only --ago 3d", *TREE) == ["loose"]
    assert removed("--untagged-only --keep 1", *TREE) == ["loose"]
    assert removed("--untagged-only --filter other:x", *TREE) == []
    assert removed("--untagged-only --filter app:nothing", *TREE) == ["fresh", "loose"]


def test_an_index_that_is_spared_keeps_its_parts() -> None:
    # The index is the newest of what would go, and --keep spares it.
    versions = (image("index", "v1", days=40), image("part", days=41, parents=["index"]))
    assert removed("--filter app:^$ --ago 30d --untagged --keep 1", *versions) == []
    bare = (image("index", days=40), image("part", days=41, parents=["index"]))
    assert removed("--untagged-only --ago 30d", *bare) == ["index", "part"]
    assert removed("--untagged-only --ago 30d --keep 1", *bare) == []
    young = (image("index", days=1), image("part", days=41, parents=["index"]))
    assert removed("--untagged-only --ago 30d", *young) == []


def test_commands_run_one_after_the_other() -> None:
    text = "acr purge --filter 'app:^dev' --ago 1d\nacr purge --untagged-only --ago 1d\n"
    taken: Policy = parse_acr(text)
    versions = image("a", "dev-1", days=9), image("b", "v1", days=9)
    (verdict,) = taken.decide(view(*versions, repository="app"), now=NOW)
    assert (verdict.digest, verdict.whole, verdict.tags) == ("a", True, ("dev-1",))
    assert verdict.rule == "acr purge --ago 1d --untagged-only"
    assert (taken.vendor, taken.cascades) == ("acr", False)
    assert "LEAVES_UNTAGGED" not in codes(taken)


# Where people keep it.

EXPECTED = "acr purge --filter 'samples/devimage1:.*' --filter 'samples/devimage2:.*' --ago 1d"
FILES = {
    "a command": EXPECTED,
    "a container": EXPECTED.replace("acr purge", "mcr.microsoft.com/acr/acr-cli:0.5 purge"),
    "docker": EXPECTED.replace("acr purge", "sudo docker run -it acr-cli@sha256:ab purge -r x"),
    # Microsoft's page container-registry-auto-purge: a variable, quotes within quotes.
    "a script": f'''#!/bin/sh
# Environment variable for acr purge's command line: it isn't run here
PURGE_CMD="{EXPECTED}"
az acr run --cmd "$PURGE_CMD" --registry myregistry /dev/null  # acr purge
''',
    "a scheduled task": f'az acr task create --name purgeTask --cmd "{EXPECTED}" --context /dev/null',
    # The README: a template, and the command on two lines.
    "the README": """az acr task create \\
    --name purgeTask \\
    --cmd "{{ .Run.Registry }}/acr:latest purge -r {{ .Run.Registry }}
            --filter samples/devimage1:.* -f samples/devimage2:.* --ago 1d" \\
    --context /dev/null --schedule "0 0 * * *"
""",
    "continued lines": EXPECTED.replace(" --", " \\\n    --"),
    "two commands": f"az login && {EXPECTED}; echo done > log.txt",
    "ACR's YAML": f"version: v1.1.0\nsteps:\n  - cmd: {EXPECTED}\n    timeout: 3600\n",
    "folded YAML": "steps:\n- cmd: >\n    acr purge --filter 'samples/devimage1:.*'\n"
    "    --filter samples/devimage2:.*\n    --ago 1d\n",
    "a pipeline": f"jobs:\n  purge:\n    steps:\n    - run: |\n        set -e\n        {EXPECTED} | cat\n",
    "JSON": '{"steps": [{"cmd": "' + EXPECTED + '"}]}',
    "options joined": "acr purge --filter=samples/devimage1:.* -fsamples/devimage2:.* --ago=1d "
    "--keep=0 --untagged=false --dry-run=F --concurrency 4 -u user -p secret",
    "Windows": EXPECTED.replace("acr purge", r"'C:\\bin\\acr.exe' purge"),
}


@pytest.mark.parametrize("name", FILES)
def test_it_is_found_where_people_keep_it(name: str, tmp_path: Path) -> None:
    file = tmp_path / "policy"
    file.write_text(FILES[name])
    taken = read_policy(file)
    assert isinstance(taken, AcrPolicy)
    assert [str(one) for one in taken.steps] == [EXPECTED]


def test_a_tasks_command_is_no_shells() -> None:
    data = {"steps": [{"cmd": "acr purge --filter app:(a|b)# --ago 1d"}]}
    (step,) = parse_acr(data).steps
    assert str(step) == "acr purge --filter 'app:(a|b)#' --ago 1d"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("acr purge --filter app:.*", "has no --ago"),
        ("acr purge --ago 1d", "has no --filter"),
        ("acr purge", "has no --filter"),
        ("acr purge --filter app:.* --ago 1d --untagged --untagged-only", "one of them is allowed"),
        ("acr purge --filter app:.* --ago", "has --ago without a value"),
        ("acr purge --filter app:.* --ago 1d --untaged", "'--untaged', which is not known"),
        ("acr purge --filter app:.* --ago 1d -x", "'-x', which is not known"),
        ("acr purge --filter app:.* --ago 1d --f x", "'--f', which is not known"),
        ("acr purge --filter app:.* --ago 1d --keep -1", "--keep '-1'; a whole number"),
        ("acr purge --filter app:.* --ago 1d --untagged=maybe", "--untagged='maybe'"),
        ('acr purge --filter "$REPO:.*" --ago 1d', "something is to be filled in"),
        ('acr purge --filter "${REPO}:.*" --ago 1d', "something is to be filled in"),
        ('acr purge --filter "app:$(date)" --ago 1d', "something is to be filled in"),
        ("acr purge --filter '{{.Values.repo}}:x' --ago 1d", "something is to be filled in"),
        ("acr purge --filter app:x --ago $AGE", "something is to be filled in"),
        ("acr purge --filter 'app:x --ago 1d", "a quote or a backslash without an end"),
        ("# acr purge --filter app:x --ago 1d", "holds no such command"),
        ('az acr run --cmd "acr purge --filter \'app:x --ago 1d"', "cannot be cut into words"),
    ],
)
def test_what_the_command_would_not_take_is_refused(text: str, told: str) -> None:
    assert is_acr(text)
    with pytest.raises(ConfigError) as caught:
        parse_acr(text)
    assert caught.value.code == "POLICY_INVALID"
    assert told in caught.value.summary


def test_no_password_is_ever_shown() -> None:
    for text in ("-p hunter2 --ago 1d", "--password=hunter2", "--pasword=hunter2 --ago 1d"):
        with pytest.raises(ConfigError) as caught:
            policy(text)
        assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(policy("--untagged-only --password hunter2"))


@pytest.mark.parametrize(
    "data",
    [
        "macr purge x",
        "acr purge-all",
        "acr\npurgeable",
        "the azure registry",
        {"a": ["acr"]},
        None,
        7,
    ],
)
def test_other_texts_are_none_of_its_business(data: object) -> None:
    assert not is_acr(data)


hostile = st.text(st.sampled_from("acr purge-'\"\\ \n;#|$(){}=:.*^[]?+<&"), max_size=60)


@given(hostile, hostile)
def test_whatever_surrounds_it_is_read_or_refused(before: str, after: str) -> None:
    for text in (f"{before} acr purge {after}", f'{before}="acr purge {after}"'):
        for data in (text, {"steps": [{"cmd": text}]}):
            try:
                assert parse_acr(data).steps
            except ConfigError as error:
                assert error.code == "POLICY_INVALID"


def test_a_large_file_is_read_in_good_time() -> None:
    text = "acr purge --untagged-only\n" + "echo 'x' \\\n" * 50_000
    assert len(parse_acr(text).steps) == 1
    assert not is_acr("acr " * 100_000)
    assert not is_acr("acr" + "\\" * 100_000)


# The registry's own policy.


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda one: one,
        lambda one: {"retentionPolicy": one},
        lambda one: {"policies": {"retentionPolicy": one, "trustPolicy": {}}},
        lambda one: {"name": "x", "properties": {"policies": {"retentionPolicy": one}}},
    ],
)
def test_the_registrys_own_policy_takes_what_has_no_tag(wrapped: Any) -> None:
    shown = {"days": 7, "lastUpdatedTime": "2026-11-03T12:00:00.1234567+00:00", "status": "enabled"}
    data = wrapped(shown)
    assert is_acr(data)
    taken = parse_acr(data)
    versions = (
        image("old", days=8),
        image("young", days=6),
        image("before", days=30),
        image("tagged", "v1", days=9),
        image("part", days=9, parents=["tagged"]),
        image("signature", days=9, subject="tagged"),
    )
    (verdict,) = taken.decide(view(*versions), now=NOW)
    assert (verdict.digest, verdict.whole) == ("old", True)
    assert verdict.rule == "retention policy: untagged for 7 days"
    assert codes(taken) == ["ONLY_SINCE_ENABLED"]


def test_a_policy_that_is_not_enabled_does_nothing() -> None:
    taken = parse_acr({"days": 0, "status": "disabled"})
    assert taken.decide(view(image("a", days=9)), now=NOW) == []
    assert codes(taken) == ["POLICY_DISABLED"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"days": 366}, "is 366; 365 are allowed at most"),
        ({"days": -1}, "days is -1"),
        ({"days": "7"}, "days is '7'"),
        ({"status": "on"}, "status is 'on'"),
        ({"status": None}, "status is None"),
        ({"lastUpdatedTime": "x"}, "lastUpdatedTime is 'x'"),
        ({"day": 7}, "day is not known"),
    ],
)
def test_a_policy_that_azure_would_not_take_is_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_acr({"days": 7, "status": "enabled", **changed})
    assert caught.value.code == "POLICY_INVALID"
    assert told in caught.value.summary


# Properties.

commands = st.builds(
    lambda tag, ago, keep, mode: f"--filter app:{tag} --ago {ago}d --keep {keep} {mode}".strip(),
    st.sampled_from(["^v", "rc$", ".*", "^$"]),
    st.integers(0, 60),
    st.integers(0, 4),
    st.sampled_from(["", "--untagged", "--untagged-only"]),
)


@given(commands, shaped_images())
def test_what_goes_is_there_once_and_holds_no_part_that_stays(
    command: str, versions: list[Version]
) -> None:
    taken = policy(command)
    verdicts = taken.decide(view(*versions, repository="app"), now=NOW)
    digests = [one.digest for one in verdicts]
    assert len(set(digests)) == len(digests)
    whole = {one.digest for one in verdicts if one.whole}
    for version in versions:
        if version.digest in whole:
            assert set(version.parents) <= whole
            assert version.subject is None
            assert version.pushed_at is not None
    assert verdicts == taken.decide(view(*versions, repository="app"), now=NOW)


@given(st.integers(0, 60), st.integers(0, 4), plain_images())
def test_the_newest_that_keep_spares_never_go(
    days: int, keep: int, versions: list[Version]
) -> None:
    gone = set(lost(f"--filter app:^v --ago {days}d --keep {keep} --untagged", *versions))
    tagged = sorted(
        ((one.pushed_at, tag) for one in versions if one.pushed_at for tag in one.tags),
        reverse=True,
    )
    chosen = [tag for at, tag in tagged if tag.startswith("v") and at < NOW - days * DAY]
    assert gone == set(chosen[keep:])


# What is odd.


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("--filter app:v --ago 1d --untagged --include-locked", []),
        ("--filter app:v --ago 1d --untagged", []),
        ("--filter app:v --ago 1d --include-locked", ["LEAVES_UNTAGGED"]),
        ("--filter app:v --ago 1d --untagged --dry-run --include-locked", ["POLICY_DRY_RUN"]),
        ("--filter app:v --ago 0d --untagged --include-locked", ["NO_MINIMUM_AGE"]),
        ("--filter app:.* --ago 0d --untagged --include-locked", ["DELETES_EVERYTHING"]),
        ("--filter app:.* --ago 0d --untagged --include-locked --keep 1", ["NO_MINIMUM_AGE"]),
        ("--filter app:v --ago 60000d --untagged --include-locked", ["RULE_NEVER_FIRES"]),
        ("--filter app:^$ --ago 1d --untagged --include-locked", []),
        (
            "--filter app:^$ --ago 1d --include-locked",
            ["RULE_NEVER_FIRES", "LEAVES_UNTAGGED"],
        ),
        (
            "--filter app:v --filter app:v --ago 1d --untagged --include-locked",
            ["RULE_DUPLICATES"],
        ),
    ],
)
def test_what_is_odd_by_itself_is_told(command: str, found: list[str]) -> None:
    assert codes(policy(command)) == found


def test_what_is_odd_in_view_is_told() -> None:
    seen = view(image("a", "v1", "v2", days=9), image("b", days=9), repository="app")
    more = "--ago 1d --untagged --include-locked"
    assert codes(policy(f"--filter app:^v {more}"), seen) == []
    assert codes(policy(f"--filter app:^v --keep 2 {more}"), seen) == ["COUNT_NOT_REACHED"]
    assert codes(policy(f"--filter app:^x {more}"), seen) == ["PATTERN_MATCHES_NOTHING"]
    assert codes(policy(f"--filter web:^v {more}"), seen) == ["PATTERN_MATCHES_NOTHING"]
    assert codes(policy(f"--filter app:^$ {more}"), seen) == []
    only_untagged = "--untagged-only --ago 1d --include-locked"
    assert codes(policy(f"{only_untagged} --keep 1"), seen) == ["COUNT_NOT_REACHED"]
    twice = "acr purge --untagged-only --ago 1d --include-locked\n" * 2
    assert codes(parse_acr(twice)) == ["RULE_DUPLICATES"]
