"""A run as metrics for Prometheus' textfile collector: written whole, or not at all.

Names and units as Prometheus wants them (prometheus.io, "Metric and label naming", 2026-11): base
units, the unit at the end of the name, times in seconds of Unix.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from regtools.errors import RunError
from regtools.nightly.night import EXIT_UNFINISHED, Night
from regtools.schema import SnapshotRow
from regtools.session import Scanned

SUCCESS: Final = "regtools_run_last_success_timestamp_seconds"
_LARGEST: Final = 2**20


def write_metrics(file: Path, night: Night, scanned: list[Scanned]) -> None:
    """Write what a run came to.

    The time of the last success moves only where everything was finished; else it stays what the
    file said before.

    Raises
    ------
    RunError
        Code ``METRICS_UNWRITABLE``.
    """
    text = exposition(night, scanned, last_success=_before(file))
    aside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        # The collector runs as another user.
        aside.chmod(0o644)
        aside.replace(file)
    except OSError as error:
        raise RunError(
            f"The metrics cannot be written to {file}: {error.strerror or error}.",
            code="METRICS_UNWRITABLE",
            remedy="Check run.metrics in the settings: a file in the collector's folder.",
        ) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def exposition(night: Night, scanned: list[Scanned], *, last_success: float) -> bytes:
    """Give the text of the metrics."""
    registry = CollectorRegistry()

    def gauge(name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"regtools_{name}", help_text, labels, registry=registry)

    ended = night.started_at.timestamp() + night.seconds
    gauge("run_last_timestamp_seconds", "When the last run ended.").set(ended)
    is_whole = night.exit_code != EXIT_UNFINISHED
    gauge(
        SUCCESS.removeprefix("regtools_"), "When a run last finished everything it had to do."
    ).set(ended if is_whole else last_success)
    gauge("run_duration_seconds", "How long the last run took.").set(night.seconds)
    gauge("run_exit_code", "0 fine, 1 a finding, 3 could not finish.").set(night.exit_code)
    steps = gauge("run_failed_steps", "Steps of the last run that failed.", "step")
    for name in ("scan", "diagnose", "report", "publish", "notify", "tidy"):
        steps.labels(name).set(sum(step.step == name for step in night.failed))
    findings = gauge("findings", "Findings of the last reports.", "report", "severity")
    for report in night.reports:
        for severity in ("critical", "warning", "info"):
            count = sum(finding.get("severity") == severity for finding in report.findings)
            findings.labels(report.name, severity).set(count)
    _registries(registry, scanned)
    return generate_latest(registry)


def _registries(registry: CollectorRegistry, scanned: list[Scanned]) -> None:
    labels = ("registry", "namespace")
    values = {
        "registry_stored_bytes": ("Bytes stored, each once in the dedup scope.", "physical_bytes"),
        "registry_logical_bytes": ("Bytes of all tags, shared ones as often.", "logical_bytes"),
        "registry_repositories": ("Repositories seen.", "repositories"),
        "registry_tags": ("Tags seen.", "tags"),
    }
    for name, (help_text, field) in values.items():
        made = Gauge(f"regtools_{name}", help_text, labels, registry=registry)
        for one in scanned:
            made.labels(*_place(one.snapshot)).set(getattr(one, field))
    times = Gauge(
        "regtools_scan_timestamp_seconds", "When the scan began.", labels, registry=registry
    )
    took = Gauge("regtools_scan_duration_seconds", "How long it took.", labels, registry=registry)
    complete = Gauge("regtools_scan_complete", "1: all was read.", labels, registry=registry)
    for one in scanned:
        place = _place(one.snapshot)
        times.labels(*place).set(one.snapshot.taken_at.timestamp())
        took.labels(*place).set(one.snapshot.seconds)
        complete.labels(*place).set(int(one.snapshot.complete))


def _place(snapshot: SnapshotRow) -> tuple[str, str]:
    return snapshot.registry, snapshot.namespace


def _before(file: Path) -> float:
    """Read when the last success was; 0 where nobody knows."""
    try:
        with file.open("rb") as stream:
            text = stream.read(_LARGEST).decode()
        samples = [
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == SUCCESS
        ]
    except (OSError, ValueError):
        return 0.0
    return samples[0] if samples else 0.0
