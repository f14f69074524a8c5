"""Codes, their page and the probes that say them are held together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.codes import PAGE

from regtools.collect.causes import ANY, causes, page
from regtools.collect.diagnose import STAGES

SOURCE = Path(__file__).resolve().parents[2] / "src" / "regtools"
PROBES = "\n".join(path.read_text() for path in sorted((SOURCE / "collect/probes").glob("*.py")))
EVERYTHING = "\n".join(path.read_text() for path in sorted(SOURCE.rglob("*.py")))
NO_CODES = {"GET", "HEAD", "TLS", "DNS", "POST"}


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make codes`"


def test_every_code_that_a_probe_says_has_an_entry() -> None:
    said = set(re.findall(r'"([A-Z][A-Z0-9]*_[A-Z0-9_]+)"', PROBES))
    foreign = {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
    openssl = {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"}
    openssl |= {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}
    assert said - foreign - openssl - set(causes()) == set()


def test_every_error_of_the_protocol_has_an_entry() -> None:
    client = "\n".join(path.read_text() for path in sorted((SOURCE / "client").glob("*.py")))
    raised = set(re.findall(r'\bcode="([A-Z][A-Z0-9_]+)"', client))
    of_settings = {"CA_FILE_UNUSABLE", "PROXY_UNUSABLE"}
    of_scans = {
        "REQUEST_BUDGET",
        "PULLS_KEPT",
        "RECORDING_UNREADABLE",
        "RECORDING_UNWRITABLE",
    }
    of_vendors = {code for code in raised if code.startswith(("VENDOR_", "AWS_", "GOOGLE_"))}
    assert raised - of_settings - of_scans - of_vendors - set(causes()) == set()


@pytest.mark.parametrize("code", list(causes()))
def test_every_entry_is_said_somewhere_and_says_something(code: str) -> None:
    entry = causes()[code]
    assert re.search(rf'"{code}"', EVERYTHING) or _composed(code)
    assert entry.stage in (*STAGES, ANY)
    assert entry.means
    assert entry.do or entry.status in ("ok", "skipped")


def _composed(code: str) -> bool:
    """Whether it is put together of a kind of room and how much of it there is."""
    return bool(re.fullmatch(r"(DISK|QUOTA)_(OK|NEARLY_FULL)", code))
