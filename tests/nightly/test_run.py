"""A night ends well, or says what was missing; good reports stay, whatever happens to a run."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_string
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from prometheus_client.parser import text_string_to_metric_families
from tests.nightly.driver import night as night_in
from tests.support.command import Command
from tests.support.docker_registry import DockerRegistry
from tests.support.fake_registry import Answer, FakeRegistry, fake_registry
from tests.support.notebooks import write_good_notebook, write_notebook

import regtools as rt
from regtools.errors import RunError
from regtools.nightly import Night, Step, run
from regtools.nightly.lock import NAME, only_run
from regtools.nightly.notify import notify, text
from regtools.nightly.outside import copy_reports
from regtools.nightly.tidy import tidy
from regtools.reports import Report, notebooks, pages
from regtools.settings import NotifySettings

DRIVER = Path(__file__).with_name("driver.py")
NOW = datetime(2026, 11, 26, 2, 15, tzinfo=UTC)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of small notebooks in place of the real ones."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    write_good_notebook(folder / "health.ipynb")
    monkeypatch.setattr(notebooks, "_FOLDERS", (folder,))
    return folder


@pytest.fixture
def write_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write the settings of a run, and work where they lie."""
    monkeypatch.chdir(tmp_path)

    def write(registry: str, more: str = "", **run_settings: object) -> Path:
        given: dict[str, object] = {"reports": ["health"], "fail_on": "never", **run_settings}
        lines = [f"{key} = {json.dumps(value)}" for key, value in given.items()]
        file = tmp_path / "regtools.toml"
        file.write_text(
            f'[registries.work]\nurl = "{registry}"\n[run]\n' + "\n".join(lines) + f"\n{more}\n"
        )
        return file

    return write


def outcomes(night: Night) -> dict[tuple[str, str], str]:
    return {(step.step, step.subject): step.code or step.outcome for step in night.steps}


class TestANight:
    def test_it_does_everything_in_its_order(
        self, shelf: Path, write_settings: Callable[..., Path], registry: DockerRegistry
    ) -> None:
        write_settings(registry.url, publish="elsewhere", metrics="metrics/regtools.prom")
        night = run()
        assert [step.step for step in night.steps] == [
            "scan",
            "diagnose",
            "report",
            "publish",
            "tidy",
            "metrics",
        ]
        assert (night.exit_code, night.failed) == (0, [])
        assert len(rt.History("history").snapshots()) == 1
        assert len(rt.History("history").diagnoses.names()) == 1
        assert Path("reports/health/latest/index.html").is_file()
        assert (
            Path("elsewhere/health/latest/report.json").read_bytes()
            == Path("reports/health/latest/report.json").read_bytes()
        )
        assert "health/" in Path("elsewhere/index.html").read_text()
        assert night.sheet == str(Path("elsewhere/summary.html").resolve())
        assert "All registries" in Path(night.sheet).read_text()
        assert night.line.startswith("regtools: fine in ")

    def test_a_registry_that_fails_does_not_stop_the_others(
        self, shelf: Path, write_settings: Callable[..., Path], registry: DockerRegistry
    ) -> None:
        gone = '[registries.gone]\nurl = "http://127.0.0.1:1"'
        write_settings(registry.url, gone)
        night = run()
        found = outcomes(night)
        assert found["scan", "work"] == "ok"
        assert found["scan", "gone"] == "CONNECT_REFUSED"
        assert found["report", "health"] == "ok"
        assert night.exit_code == 3
        assert "scan gone" in night.line

    def test_a_finding_at_the_threshold_ends_with_1(
        self, shelf: Path, write_settings: Callable[..., Path], registry: DockerRegistry
    ) -> None:
        write_settings(registry.url, fail_on="warning")
        assert run().exit_code == 1
        write_settings(registry.url, fail_on="critical")
        assert run().exit_code == 0

    @pytest.mark.parametrize(
        ("cell", "code"),
        [
            ("1 / 0", "CELL_FAILED"),
            ("import os; os._exit(1)", "KERNEL_DIED"),
            ("import time; time.sleep(300)", "NOTEBOOK_TIMEOUT"),
        ],
        ids=["fails", "dies", "hangs"],
    )
    def test_a_notebook_that_fails_is_named_and_the_good_one_stays(
        self,
        shelf: Path,
        write_settings: Callable[..., Path],
        registry: DockerRegistry,
        cell: str,
        code: str,
    ) -> None:
        write_notebook(shelf / "storage_growth.ipynb", ("bad", cell), parameters='history = ""')
        limit = "20s" if code == "NOTEBOOK_TIMEOUT" else "5m"
        write_settings(registry.url, reports=["health", "storage-growth"], notebook_limit=limit)
        night = run()
        assert outcomes(night).get(("report", "storage-growth")) == code, night.line
        assert [made.name for made in night.reports] == ["health"]
        assert (night.exit_code, Path("reports/health/latest").exists()) == (3, True)

    def test_the_total_limit_ends_it_and_says_so(
        self, shelf: Path, write_settings: Callable[..., Path], registry: DockerRegistry
    ) -> None:
        write_notebook(
            shelf / "health.ipynb",
            ("bad", "import time; time.sleep(60)"),
            parameters='history = ""',
        )
        write_settings(registry.url, time_limit="15s")
        clock = time.monotonic()
        night = run()
        assert outcomes(night)["run", "time limit"] == "RUN_TIMEOUT"
        assert night.exit_code == 3
        assert time.monotonic() - clock < 120
        assert len(rt.History("history").snapshots()) == 1

    def test_old_reports_go_and_the_newest_stay(
        self, shelf: Path, write_settings: Callable[..., Path], registry: DockerRegistry
    ) -> None:
        write_settings(registry.url, keep_reports=1, diagnose=False)
        first, second = (run(now=NOW + timedelta(days=day)) for day in range(2))
        assert (first.exit_code, second.exit_code) == (0, 0)
        names = sorted(path.name for path in Path("reports/health").iterdir())
        assert names == ["20261127T021500Z", "latest"]


class TestTheCommand:
    def test_it_says_one_line_or_nothing(
        self,
        regtools: Command,
        shelf: Path,
        write_settings: Callable[..., Path],
        registry: DockerRegistry,
    ) -> None:
        write_settings(registry.url)
        quiet = regtools("run", "--quiet")
        assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
        spoken = regtools("run")
        sheet = Path("reports/summary.html").resolve()
        assert spoken.err.splitlines()[-1] == f"All registries on one sheet: {sheet}"
        write_settings(registry.url, fail_on="warning")
        found = regtools("run", "--quiet")
        assert found.code == 1
        assert len(found.err.strip().splitlines()) == 1
        ran = regtools("run", "--log-format", "json", "--json")
        steps = [json.loads(line) for line in ran.err.splitlines()]
        assert [step["step"] for step in steps] == ["scan", "diagnose", "report", "tidy"]
        assert all(step["time"].endswith("+00:00") for step in steps)
        assert ran.document["exit_code"] == 1
        assert ran.document["reports"][0]["findings"][0]["code"] == "HOSTILE"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "no registry"),
            ('[registries.a]\nurl = "a.example"\n[run]\nregistries = ["b"]', "'b'"),
            ('[registries.a]\nurl = "a.example"\n[run]\ntime_limit = "soon"', "'soon'"),
            ('[run.notify.x]\nkind = "slack"', "needs url"),
            ('[run.notify.x]\nkind = "slack"\nurl = "https://hooks.example/s"', "SECRET_INLINE"),
            ('[run.notify.x]\nkind = "email"\nhost = "h"', "e-mail needs sender, to"),
            ("[run]\nfail_one = 1", "Did you mean"),
        ],
    )
    def test_a_mistake_in_the_settings_ends_with_2(
        self,
        regtools: Command,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        text: str,
        said: str,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("regtools.toml").write_text(text)
        ran = regtools("run")
        assert ran.code == 2
        assert said in ran.err
        assert "hooks.example/s" not in ran.err


def test_a_second_run_is_refused_and_told_whose_the_first_is(tmp_path: Path) -> None:
    with only_run(tmp_path), pytest.raises(RunError) as caught, only_run(tmp_path):
        pass
    assert caught.value.code == "RUN_LOCKED"
    assert caught.value.exit_code == 3
    assert f"process {os.getpid()} on" in caught.value.summary
    with only_run(tmp_path):
        assert (tmp_path / NAME).exists()


class TestMetrics:
    def samples(self, file: Path) -> dict[tuple[str, str], float]:
        return {
            (sample.name, ",".join(sorted(filter(None, sample.labels.values())))): sample.value
            for family in text_string_to_metric_families(file.read_text())
            for sample in family.samples
        }

    def test_the_time_of_success_moves_only_with_success(
        self, shelf: Path, write_settings: Callable[..., Path], registry: DockerRegistry
    ) -> None:
        file = Path("metrics.prom")
        write_settings(registry.url, metrics="metrics.prom", diagnose=False)
        good = run(now=NOW)
        seen = self.samples(file)
        success = "regtools_run_last_success_timestamp_seconds"
        assert seen[success, ""] == pytest.approx(NOW.timestamp() + good.seconds, abs=1e-3)
        place = registry.url.removeprefix("http://")
        usage = rt.usage("history", by="registry").iloc[0]
        assert seen["regtools_registry_stored_bytes", place] == usage["physical_bytes"]
        assert seen["regtools_findings", "health,warning"] == 1
        write_settings("http://127.0.0.1:1", metrics="metrics.prom", diagnose=False)
        assert run(now=NOW + timedelta(days=1)).exit_code == 3
        later = self.samples(file)
        assert later[success, ""] == seen[success, ""]
        assert later["regtools_run_last_timestamp_seconds", ""] > seen[success, ""] + 80_000
        assert later["regtools_run_failed_steps", "scan"] == 1
        assert file.stat().st_mode & 0o777 == 0o644

    def test_a_file_that_cannot_be_written_is_told(
        self, shelf: Path, write_settings: Callable[..., Path], registry: DockerRegistry
    ) -> None:
        Path("taken").write_text("a file")
        write_settings(registry.url, metrics="taken/metrics.prom", diagnose=False)
        night = run()
        assert "METRICS_UNWRITABLE" in outcomes(night).values()
        assert Path("reports/health/latest/index.html").is_file()


def published(worst: str, findings: list[dict[str, str]]) -> Report:
    folder = Path("/r")
    return Report(
        name="health",
        title="Health",
        worst=worst,
        folder=folder,
        page=folder / "index.html",
        notebook=folder / "health.ipynb",
        sidecar=folder / "report.json",
        seconds=1.0,
        key_numbers={},
        findings=findings,
    )


def night_with(summary: str, severity: str = "critical") -> Night:
    finding = {"severity": severity, "code": "X", "summary": summary}
    made = published(severity, [finding])
    step = Step(step="scan", subject="work", outcome="ok", seconds=1.0)
    return Night(started_at=NOW, steps=[step], reports=[made])


class TestNotify:
    def told(self, settings: NotifySettings, night: Night) -> None:
        import ssl

        notify(settings, night, trust=ssl.create_default_context, pause=0)

    def test_a_webhook_gets_the_whole_document(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with fake_registry(fake=Receiver()) as server:
            monkeypatch.setenv("HOOK", f"{server.url}/secret-path")
            self.told(NotifySettings(kind="webhook", url="env:HOOK"), night_with("Bad"))
            (seen,) = server.seen
        document = json.loads(seen.body)
        assert (document["schema_version"], document["exit_code"]) == (1, 1)
        assert document["reports"][0]["findings"][0]["summary"] == "Bad"

    def test_slack_sees_no_mention_and_no_link_in_foreign_words(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hostile = "<!channel> <https://evil.example|click> & \x1b[31m\nnew line"
        with fake_registry(fake=Receiver()) as server:
            monkeypatch.setenv("HOOK", server.url)
            self.told(NotifySettings(kind="slack", url="env:HOOK"), night_with(hostile))
            said = json.loads(server.seen[0].body)["text"]
        assert "<" not in said
        assert "&lt;!channel&gt;" in said
        assert "\x1b" not in said
        assert said.count("\n") == 1

    def test_one_that_is_down_is_tried_three_times_and_its_address_is_not_shown(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with fake_registry(fake=Receiver(status=503)) as server:
            monkeypatch.setenv("HOOK", f"{server.url}/T000/SECRET")
            with pytest.raises(RunError) as caught:
                self.told(NotifySettings(kind="slack", url="env:HOOK"), night_with("Bad"))
            assert len(server.seen) == 3
        assert caught.value.summary == "127.0.0.1 could not be told: it answers 503."
        assert "SECRET" not in f"{caught.value!r}{caught.value.remedy}"

    @pytest.mark.parametrize(
        "address", ["https://exa mple/SECRET", "https://[::1/SECRET", "SECRET"]
    )
    def test_an_address_that_is_none_is_told_without_it(
        self, monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        monkeypatch.setenv("HOOK", address)
        with pytest.raises(RunError) as caught:
            self.told(NotifySettings(kind="webhook", url="env:HOOK"), night_with("Bad"))
        assert caught.value.code == "NOTIFY_FAILED"
        assert "SECRET" not in caught.value.summary

    def test_an_address_in_the_clear_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOOK", "http://hooks.example/SECRET")
        with pytest.raises(RunError) as caught:
            self.told(NotifySettings(kind="slack", url="env:HOOK"), night_with("Bad"))
        assert "SECRET" not in caught.value.summary

    def test_mail_is_one_message_with_the_line_for_a_subject(self) -> None:
        with mail_server() as (port, received):
            settings = NotifySettings(
                kind="email",
                host="127.0.0.1",
                port=port,
                security="none",
                sender="regtools@example.com",
                to=("ops@example.com", "lead@example.com"),
            )
            self.told(settings, night_with("Bad\nBcc: everybody@example.com"))
        (mail,) = received
        parsed = message_from_string(mail)
        assert parsed["Subject"].startswith("regtools: finding in 0 s")
        assert parsed["To"] == "ops@example.com, lead@example.com"
        assert parsed["Bcc"] is None
        assert "Bad Bcc: everybody" in parsed.get_payload()

    def test_a_receiver_that_is_down_does_not_cost_the_reports(
        self,
        shelf: Path,
        write_settings: Callable[..., Path],
        registry: DockerRegistry,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("HOOK", "http://127.0.0.1:1")
        hook = '[run.notify.ops]\nkind = "webhook"\nurl = "env:HOOK"\nwhen = "always"'
        write_settings(registry.url, hook, diagnose=False)
        night = run(notify_pause=0)
        assert outcomes(night)["notify", "ops"] == "NOTIFY_FAILED"
        assert night.exit_code == 3
        assert Path("reports/health/latest/index.html").is_file()

    def test_only_who_wants_to_hear_is_told(
        self,
        shelf: Path,
        write_settings: Callable[..., Path],
        registry: DockerRegistry,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        with fake_registry(fake=Receiver()) as server:
            monkeypatch.setenv("HOOK", server.url)
            hooks = "\n".join(
                f'[run.notify.{when}]\nkind = "webhook"\nurl = "env:HOOK"\nwhen = "{when}"'
                for when in ("always", "finding", "failure")
            )
            write_settings(registry.url, hooks, diagnose=False, fail_on="warning")
            told = [step.subject for step in run().steps if step.step == "notify"]
        assert told == ["always", "finding"]

    def test_people_are_told_where_all_stands_on_one_sheet(self) -> None:
        night = night_with("Bad")
        assert "sheet" not in text(night)
        night.sheet = "s3://bucket/reports/summary.html"
        assert text(night).splitlines()[-1] == f"All registries on one sheet: {night.sheet}"
        assert night.to_dict()["sheet"] == night.sheet

    def test_many_findings_are_counted(self) -> None:
        night = night_with("one")
        many = [{"severity": "critical", "summary": f"n{n}"} for n in range(25)]
        night.reports[0] = published("critical", many)
        assert text(night).splitlines()[-1] == "… and 15 more."


class Receiver(FakeRegistry):
    def __init__(self, status: int = 200) -> None:
        super().__init__()
        self._status = status

    def _content(self, seen: Any) -> Answer:
        return Answer(self._status, b"the answer may echo a secret")


class Denying(FakeRegistry):
    """A bucket that a policy closes, as S3 says so."""

    def _content(self, seen: Any) -> Answer:
        words = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        return Answer(403, words, {"Content-Type": "application/xml"})


class mail_server:  # noqa: N801 - reads as a function
    """A real SMTP dialogue on a socket, for one message."""

    def __enter__(self) -> tuple[int, list[str]]:
        import socket

        self._socket = socket.create_server(("127.0.0.1", 0))
        self._received: list[str] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self._socket.getsockname()[1], self._received

    def __exit__(self, *_: object) -> None:
        self._thread.join(timeout=10)
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with closing(connection), connection.makefile("rwb") as stream:

            def answer(line: str) -> None:
                stream.write(f"{line}\r\n".encode())
                stream.flush()

            answer("220 ready")
            while True:
                command = stream.readline().decode().strip().upper()
                if command.startswith("DATA"):
                    answer("354 go on")
                    lines = iter(lambda: stream.readline().decode().rstrip("\r\n"), ".")
                    self._received.append("\n".join(lines))
                    answer("250 taken")
                elif command.startswith("QUIT") or not command:
                    answer("221 bye")
                    return
                else:
                    answer("250 fine")


@pytest.fixture(scope="module")
def bucket_server() -> Iterator[str]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"{host}:{port}"
    moto.stop()


class TestPublishing:
    @pytest.fixture(autouse=True)
    def signed_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def place(self, server: str, bucket: str) -> str:
        return f"s3://{bucket}/pages?scheme=http&region=us-east-1&endpoint_override={server}"

    def made(self, tmp_path: Path) -> tuple[Path, Path]:
        output = tmp_path / "reports"
        report = output / "health" / "20261126T021500Z"
        report.mkdir(parents=True)
        for name in ("index.html", "report.json", "health.ipynb"):
            (report / name).write_text(name)
        for page in ("index.html", "summary.html"):
            (output / page).write_text("all")
        return output, report

    def test_to_a_bucket(self, tmp_path: Path, bucket_server: str) -> None:
        client = boto3.client("s3", endpoint_url=f"http://{bucket_server}", region_name="us-east-1")
        client.create_bucket(Bucket="nightly")
        output, report = self.made(tmp_path)
        assert copy_reports(output, [report], self.place(bucket_server, "nightly")) == 8
        listed = client.list_objects_v2(Bucket="nightly", Prefix="pages/")["Contents"]
        assert {entry["Key"].removeprefix("pages/") for entry in listed} == {
            "index.html",
            "summary.html",
            *(
                f"health/{folder}/{name}"
                for folder in ("latest", "20261126T021500Z")
                for name in ("index.html", "report.json", "health.ipynb")
            ),
        }

    def test_a_bucket_that_is_not_there_is_told(self, tmp_path: Path, bucket_server: str) -> None:
        output, report = self.made(tmp_path)
        with pytest.raises(RunError) as caught:
            copy_reports(output, [report], self.place(bucket_server, "no-such-bucket"))
        assert caught.value.code == "PUBLISH_FAILED"
        assert "to s3://no-such-bucket/pages:" in caught.value.summary

    @pytest.mark.parametrize(
        ("server", "why"), [("denies", "ACCESS_DENIED"), ("is down", "curlCode: 7")]
    )
    def test_a_bucket_that_cannot_be_written_costs_no_report(
        self,
        shelf: Path,
        write_settings: Callable[..., Path],
        registry: DockerRegistry,
        server: str,
        why: str,
    ) -> None:
        with fake_registry(fake=Denying()) as bucket:
            host = bucket.host if server == "denies" else "127.0.0.1:1"
            write_settings(registry.url, publish=self.place(host, "nightly"), diagnose=False)
            night = run()
        (failed,) = night.failed
        assert (failed.step, failed.subject, failed.code) == (
            "publish",
            "s3://nightly/pages",
            "PUBLISH_FAILED",
        )
        assert why in failed.summary
        assert night.exit_code == 3
        assert night.sheet == str(Path("reports/summary.html").resolve())
        check_whole(Path("reports"))
        assert Path("reports/health/latest/report.json").is_file()

    def test_a_secret_in_the_address_is_refused_and_not_shown(self, tmp_path: Path) -> None:
        output, report = self.made(tmp_path)
        with pytest.raises(RunError) as caught:
            copy_reports(output, [report], "s3://key:CANARY@bucket/pages")
        assert caught.value.code == "PUBLISH_FAILED"
        assert "CANARY" not in caught.value.summary
        assert "holds a secret" in caught.value.summary

    def test_a_folder_that_cannot_be_written_is_told(self, tmp_path: Path) -> None:
        output, report = self.made(tmp_path)
        (tmp_path / "taken").write_text("a file")
        with pytest.raises(RunError) as caught:
            copy_reports(output, [report], str(tmp_path / "taken"))
        assert caught.value.code == "PUBLISH_FAILED"


def test_the_latest_stays_however_old_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "health"
    for day in range(1, 6):
        (folder / f"2026110{day}T000000Z").mkdir(parents=True)
    (folder / "latest").symlink_to("20261101T000000Z")
    (folder / "mine").mkdir()
    removed = [path.name for path in tidy(tmp_path, 2)]
    assert removed == ["20261102T000000Z", "20261103T000000Z"]
    assert (folder / "mine").exists()


def small_disk() -> None:
    """Let no file of this process grow beyond 64 kB, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def start(folder: Path, shelf: Path, **how: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(DRIVER), str(shelf), "--quiet"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        **how,
    )


def check_whole(reports: Path) -> None:
    """Every published report is whole, and `latest` is one of them."""
    for sidecar in reports.glob("*/*/report.json"):
        document = json.loads(sidecar.read_text())
        for name in document["files"].values():
            assert (sidecar.parent / name).stat().st_size > 0
    for folder in reports.glob("*/20*"):
        assert (folder / "report.json").is_file()
    for latest in reports.glob("*/latest"):
        assert (latest / "index.html").is_file()
    for page in pages(reports):
        assert "</html>" in page.read_text()


def test_twenty_kills_leave_only_whole_reports(
    tmp_path: Path,
    shelf: Path,
    write_settings: Callable[..., Path],
    registry: DockerRegistry,
) -> None:
    """Each run is forked from a process that has all modules: no kill is spent on their loading."""
    write_settings(registry.url, diagnose=False)
    write_notebook(shelf / "health.ipynb", ("show", "print(1)"), parameters='history = ""')
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.nightly.driver", "regtools.nightly.run"])
    said = tmp_path / "said"
    # The first run reads everything: how long the second takes is how long the killed ones would.
    for _ in range(2):
        clock = time.monotonic()
        process = forks.Process(target=night_in, args=(shelf, tmp_path, said))
        process.start()
        process.join(timeout=120)
        assert process.exitcode == 0, said.read_text()
    whole = time.monotonic() - clock
    drawn = random.Random(20)
    ended = []
    for number in range(20):
        process = forks.Process(target=night_in, args=(shelf, tmp_path, said))
        process.start()
        # Once in each twentieth of the run, at a random moment of it.
        time.sleep((number + drawn.random()) / 20 * whole)
        how = signal.SIGKILL if number % 2 else signal.SIGTERM
        if process.is_alive():
            os.kill(process.pid or 0, how)
        process.join(timeout=30)
        assert process.exitcode in {0, 143, -how}, said.read_text()
        ended.append(process.exitcode)
        check_whole(tmp_path / "reports")
    assert sum(code != 0 for code in ended) >= 10
    last = start(tmp_path, shelf)
    assert last.wait(timeout=120) == 0
    check_whole(tmp_path / "reports")
    assert not list((tmp_path / "reports").glob(".staging*"))
    assert rt.History(tmp_path / "history").check() == []


def test_sigterm_while_people_are_told_ends_in_order(
    tmp_path: Path,
    shelf: Path,
    write_settings: Callable[..., Path],
    registry: DockerRegistry,
) -> None:
    """A receiver that takes the message and never answers; the reports are published by then."""
    with closing(socket.create_server(("127.0.0.1", 0))) as receiver:
        address = f"http://127.0.0.1:{receiver.getsockname()[1]}/hook"
        hook = '[run.notify.slow]\nkind = "webhook"\nwhen = "always"\nurl = "env:SLOW_HOOK"'
        write_settings(registry.url, hook, diagnose=False)
        process = start(tmp_path, shelf, env={**os.environ, "SLOW_HOOK": address})
        receiver.settimeout(120)
        with closing(receiver.accept()[0]):
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=30)
    assert process.returncode == 143, said.decode()
    assert said.decode().splitlines()[-1] == "Stopped: what was read and reported is kept."
    assert (tmp_path / "reports/health/latest/report.json").is_file()
    with only_run(tmp_path / "reports"):
        check_whole(tmp_path / "reports")


def test_a_full_disk_ends_with_3_and_leaves_the_good_report(
    tmp_path: Path,
    shelf: Path,
    write_settings: Callable[..., Path],
    registry: DockerRegistry,
) -> None:
    write_settings(registry.url, diagnose=False)
    assert start(tmp_path, shelf).wait(timeout=120) == 0
    before = (tmp_path / "reports/health/latest").readlink()
    large = 'print("x" * 200_000)'
    write_notebook(shelf / "health.ipynb", ("large", large), parameters='history = ""')
    process = start(tmp_path, shelf, preexec_fn=small_disk)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 3, said.decode()
    assert len(said.decode().strip().splitlines()) == 1
    assert (tmp_path / "reports/health/latest").readlink() == before
    check_whole(tmp_path / "reports")


def may_mount() -> bool:
    """Say whether a small disk can be had: not in every container."""
    unshare = shutil.which("unshare")
    return (
        unshare is not None
        and not subprocess.run(
            [*MOUNTING, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True
        ).returncode
    )


MOUNTING = ("unshare", "--user", "--map-root-user", "--mount")


@pytest.mark.skipif(not may_mount(), reason="no file system can be mounted here")
def test_a_disk_without_a_free_byte_costs_one_night_and_no_report(
    tmp_path: Path,
    shelf: Path,
    write_settings: Callable[..., Path],
    registry: DockerRegistry,
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    write_settings(registry.url, diagnose=False).rename(disk / "regtools.toml")
    script = DRIVER.with_name("full_disk.py")
    ran = subprocess.run(
        [*MOUNTING, sys.executable, str(script), str(DRIVER), str(shelf), str(disk)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    good, full, after = json.loads(ran.stdout)
    assert (good["code"], good["said"]) == (0, [])
    assert full["code"] == 3
    assert len(full["said"]) == 1
    assert "No space left on device" in full["said"][0]
    assert full["latest"] == good["latest"]
    assert (after["code"], after["said"]) == (0, [])
    assert after["latest"] > good["latest"]
    for one in (good, full, after):
        assert (one["report"], one["page"], one["left"]) == ("health", "</html>", [])
        assert one["pages"] == ["</html>", "</html>"]
