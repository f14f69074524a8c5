"""A history may lie in a bucket: the same snapshots, the marker last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from tests.history.test_diagnoses import keep, row
from tests.support.inventories import (
    NOON,
    REGISTRY,
    Shelf,
    layer,
    merged,
    publish,
    sorted_rows,
    stored,
)

from regtools import engine
from regtools.analyses.observations import checks
from regtools.errors import ConfigError, HistoryError
from regtools.history import History

BUCKET = "inventory"
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Store:
    endpoint: str
    client: Any

    def location(self, prefix: str, bucket: str = BUCKET) -> str:
        host = self.endpoint.removeprefix("http://")
        return f"s3://{bucket}/{prefix}?scheme=http&region=us-east-1&endpoint_override={host}"

    def keys(self, prefix: str) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", ())]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.client("s3", endpoint_url=server)
    client.create_bucket(Bucket=BUCKET)
    return Store(server, client)


@pytest.fixture
def shelf() -> Shelf:
    shelf = Shelf()
    image = shelf.image(layer("base", 100), layer("app", 10))
    shelf.tag("a", "1", shelf.index(image, attests=[image]))
    shelf.tag("b", "1", image)
    return shelf


def test_a_bucket_holds_the_same_snapshots_as_a_folder(store: Store, shelf: Shelf) -> None:
    history = History(store.location("whole"))
    assert history.snapshots() == []
    snapshot = publish(history, shelf.inventory())
    again = History(store.location("whole"))
    assert again.snapshots() == [snapshot]
    assert sorted_rows(stored(again, snapshot)) == sorted_rows(shelf.inventory())
    assert again.known(REGISTRY) == {row.digest for row in shelf.inventory().manifests}
    assert again.check() == []


def test_the_bucket_may_be_named_alone_and_its_endpoint_by_the_environment(
    store: Store, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.endpoint)
    history = History(f"s3://{BUCKET}")
    snapshot = publish(history, shelf.inventory())
    assert snapshot in history.snapshots()
    assert f"{snapshot.snapshot}/snapshots.parquet" in store.keys("")


def test_a_snapshot_without_its_marker_is_not_seen(store: Store, shelf: Shelf) -> None:
    history = History(store.location("torn"))
    snapshot = publish(history, shelf.inventory())
    store.client.delete_object(Bucket=BUCKET, Key=f"torn/{snapshot.snapshot}/snapshots.parquet")
    assert history.snapshots() == []
    assert history.check() == []
    (finding,) = history.check(now=datetime.now(UTC) + 2 * HOUR)
    assert finding.code == "LEFTOVER"
    history.prune(now=datetime.now(UTC) + 2 * HOUR)
    assert store.keys("torn/") in ([], ["torn/"])  # Arrow keeps the emptied folder


def test_pruning_takes_all_of_a_snapshot(store: Store, shelf: Shelf) -> None:
    history = History(store.location("pruned"))
    old = publish(history, shelf.inventory(), taken_at=NOON)
    new = publish(history, shelf.inventory(), taken_at=NOON + HOUR)
    assert history.prune(keep_last=1, now=NOON + HOUR) == [old]
    assert history.snapshots() == [new]
    assert not [key for key in store.keys("pruned/") if old.snapshot in key]


def test_diagnoses_lie_beside_the_snapshots(store: Store, shelf: Shelf) -> None:
    history = History(store.location("diagnosed"))
    old, new = (keep(history, row(at=NOON + n * HOUR)) for n in range(2))
    publish(history, shelf.inventory())
    again = History(store.location("diagnosed"))
    assert again.diagnoses.read().num_rows == 2
    assert list(checks(again)["stage"]) == ["http"]
    assert again.diagnoses.prune(keep_last=1, now=NOON) == 1
    assert again.diagnoses.names() == [new]
    assert again.check() == []
    assert not [key for key in store.keys("diagnosed/") if old in key]


def test_an_interrupted_scan_waits_on_the_local_disk(store: Store, shelf: Shelf) -> None:
    history = History(store.location("resumed"))
    first, second = shelf.parts()
    with history.draft(REGISTRY, "", now=NOON) as draft:
        draft.add(first)
    assert store.keys("resumed/") == []
    with history.draft(REGISTRY, "", now=NOON + HOUR) as draft:
        assert draft.finished == {"a"}
        snapshot = draft.publish(
            kind="distribution",
            taken_at=NOON + HOUR,
            complete=True,
            requests=1,
            seconds=0,
            dedup_scope="registry",
            rest=second,
        )
    assert sorted_rows(stored(history, snapshot)) == sorted_rows(merged([first, second]))
    with History(store.location("other")).draft(REGISTRY, "", now=NOON + HOUR) as draft:
        assert draft.finished == frozenset()


def test_sql_reads_a_bucket_too(
    store: Store, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(store.location("asked"))
    snapshots = [
        publish(history, shelf.inventory(), taken_at=NOON + hours * HOUR) for hours in range(3)
    ]
    monkeypatch.setattr(engine, "_sql", lambda name: name)
    sql = "SELECT snapshot, count(*) AS tags FROM tags GROUP BY snapshot ORDER BY snapshot"
    answer = engine.query(history, sql, snapshots=snapshots[1:])
    assert answer.to_dict("list") == {
        "snapshot": [row.snapshot for row in snapshots[1:]],
        "tags": [2, 2],
    }


def test_writing_is_tried_before_a_scan(store: Store) -> None:
    History(store.location("tried")).require_writable()
    assert store.keys("tried/") in ([], ["tried/"])  # Arrow keeps the emptied folder
    with pytest.raises(ConfigError) as caught:
        History(store.location("tried", bucket="nobody-made-this")).require_writable()
    assert caught.value.code == "HISTORY_UNWRITABLE"


def test_a_bucket_that_cannot_be_listed_is_a_clear_error(store: Store) -> None:
    class Denied:
        def get_file_info(self, wanted: object) -> None:
            raise OSError("AWS Error ACCESS_DENIED during ListObjectsV2 operation")

    history = History(store.location("denied"))
    history.place.filesystem = Denied()
    with pytest.raises(HistoryError, match=f"s3://{BUCKET}/denied cannot be listed") as caught:
        history.snapshots()
    assert caught.value.code == "HISTORY_UNREADABLE"


def test_files_are_named_by_their_address(store: Store, shelf: Shelf) -> None:
    history = History(store.location("named"))
    snapshot = publish(history, shelf.inventory())
    assert history.files("tags", [snapshot]) == [
        f"s3://{BUCKET}/named/{snapshot.snapshot}/tags.parquet"
    ]


def test_the_address_is_shown_without_its_query(store: Store) -> None:
    assert History(store.location("named")).location == f"s3://{BUCKET}/named"
