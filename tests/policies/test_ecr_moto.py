"""ECR's lifecycle policies against moto: what it takes we take, what it refuses we refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from regtools.errors import ConfigError
from regtools.policies import Rule
from regtools.policies.ecr import emit_ecr, parse_ecr

EXPIRE = {"type": "expire"}


@pytest.fixture(scope="module")
def ecr() -> Iterator[Any]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    client = boto3.client(
        "ecr",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_repository(repositoryName="app")
    yield client
    moto.stop()


def is_taken_by_moto(ecr: Any, policy: object) -> bool:
    # The API wants a hundred characters; white space in front is as good as any.
    text = json.dumps(policy).rjust(100)
    try:
        answer = ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=text)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidParameterException"
        return False
    assert json.loads(answer["lifecyclePolicyText"]) == policy
    return True


def is_taken_here(policy: object) -> bool:
    try:
        parse_ecr(policy)
    except ConfigError as error:
        assert error.code == "POLICY_INVALID"
        return False
    return True


def one_rule(**changes: Any) -> dict[str, Any]:
    selection = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": EXPIRE, **changes}]}


def selecting(**changes: Any) -> dict[str, Any]:
    selection = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}
    changed = {key: value for key, value in {**selection, **changes}.items() if value is not None}
    return one_rule(selection=changed)


def without(key: str) -> dict[str, Any]:
    policy = one_rule()
    del policy["rules"][0][key]
    return policy


SAME = {
    "untagged-count": one_rule(),
    "described": one_rule(description="all but one"),
    "untagged-age": selecting(countType="sinceImagePushed", countUnit="days", countNumber=14),
    "any": selecting(tagStatus="any"),
    "prefixes": selecting(tagStatus="tagged", tagPrefixList=["v", "prod"]),
    "patterns": selecting(tagStatus="tagged", tagPatternList=["v*", "*-prod"]),
    "a-list": [],
    "no-rules": {"policies": []},
    "rules-no-list": {"rules": {}},
    "rule-no-object": {"rules": ["untagged"]},
    "no-priority": without("rulePriority"),
    "no-selection": without("selection"),
    "no-action": without("action"),
    "rule-unknown-key": one_rule(name="x"),
    "action-empty": one_rule(action={}),
    "action-unknown-key": one_rule(action={**EXPIRE, "after": 1}),
    "action-unknown-type": one_rule(action={"type": "delete"}),
    "no-tag-status": selecting(tagStatus=None),
    "no-count-type": selecting(countType=None),
    "no-count-number": selecting(countNumber=None),
    "tag-status-unknown": selecting(tagStatus="some"),
    "count-type-unknown": selecting(countType="imageCount"),
    "count-unit-unknown": selecting(countType="sinceImagePushed", countUnit="hours"),
    "count-zero": selecting(countNumber=0),
    "count-negative": selecting(countNumber=-1),
    "selection-unknown-key": selecting(tagRegex=["v.*"]),
}


@pytest.mark.parametrize("name", SAME)
def test_moto_and_we_take_and_refuse_the_same(ecr: Any, name: str) -> None:
    assert is_taken_here(SAME[name]) is is_taken_by_moto(ecr, SAME[name])


def test_the_list_holds_both() -> None:
    assert {is_taken_here(policy) for policy in SAME.values()} == {True, False}


STRICTER = {
    # AWS's user guide forbids these; moto does not look.
    "tagged-without-list": selecting(tagStatus="tagged"),
    "both-lists": selecting(tagStatus="tagged", tagPrefixList=["v"], tagPatternList=["v*"]),
    "list-without-tagged": selecting(tagPrefixList=["v"]),
    "five-wildcards": selecting(tagStatus="tagged", tagPatternList=["*a*b*c*d*"]),
    "age-without-unit": selecting(countType="sinceImagePushed"),
    "count-with-unit": selecting(countUnit="days"),
    "same-priority": {"rules": one_rule()["rules"] * 2},
    "priority-zero": one_rule(rulePriority=0),
    "no-rule": {"rules": []},
}


@pytest.mark.parametrize("name", STRICTER)
def test_what_only_aws_refuses_is_refused_here_too(ecr: Any, name: str) -> None:
    assert is_taken_by_moto(ecr, STRICTER[name])
    assert not is_taken_here(STRICTER[name])


def test_the_archive_is_newer_than_moto(ecr: Any) -> None:
    archive = one_rule(action={"type": "transition", "targetStorageClass": "archive"})
    assert is_taken_here(archive)
    assert not is_taken_by_moto(ecr, archive)


@pytest.mark.parametrize(
    "rule",
    [
        Rule(keep_last=10, keep_tags=("^v", "^release-.*$", "latest")),
        Rule(older_than=timedelta(days=30)),
        Rule(older_than=timedelta(days=1), untagged=True),
    ],
)
def test_moto_takes_what_is_emitted(ecr: Any, rule: Rule) -> None:
    text = emit_ecr(rule)
    ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=text)
    stored = ecr.get_lifecycle_policy(repositoryName="app")["lifecyclePolicyText"]
    assert parse_ecr(json.loads(stored)) == parse_ecr(json.loads(text))
