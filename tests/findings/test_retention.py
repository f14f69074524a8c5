"""The what-if's sentences follow its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.inventories import NOON
from tests.support.what_if import DAY, MB, what_if_history

from regtools.analyses.retention import Retention, retention
from regtools.findings import Finding, Findings, retention_findings
from regtools.findings.retention import freed_words
from regtools.policies import InUse, Remark, Rule
from regtools.units import format_bytes


def what_if(folder: Path, rule: Rule, **options: object) -> Retention:
    history = what_if_history(folder / "history", **options)  # type: ignore[arg-type]
    return retention(history, rule, now=NOON)


def one(findings: Findings, code: str) -> Finding:
    (found,) = [finding for finding in findings.findings if finding.code == code]
    return found


def codes(findings: Findings) -> list[str]:
    return [finding.code for finding in findings.findings]


def test_the_numbers_are_those_of_the_analysis(tmp_path: Path) -> None:
    found = what_if(tmp_path, Rule(keep_last=4))
    numbers = {number.name: number.plain() for number in retention_findings(found).key_numbers}
    assert numbers == {
        "freed_bytes": found.bytes_freed,
        "freed_month_usd": float(found.monthly_usd_freed or 0),
        "tags_deleted": 4,
        "kept_bytes": found.bytes_kept,
    }
    assert found.bytes_freed // MB == 400


def test_the_rule_and_what_it_frees_are_said_and_that_nothing_was_deleted(tmp_path: Path) -> None:
    found = what_if(tmp_path, Rule(keep_last=4, older_than=DAY))
    said = one(retention_findings(found), "COULD_FREE")
    assert said.summary.startswith("4 tags and 4 manifests would go, which frees 400 MB")
    assert "“beyond the 4 newest, older than 1d”" in said.remedy
    assert "Nothing was deleted" in said.remedy


def test_of_an_incomplete_scan_it_is_at_most(tmp_path: Path) -> None:
    found = what_if(tmp_path, Rule(keep_last=4), complete=False)
    findings = retention_findings(found)
    assert findings.status == "warning"
    assert "at most 400 MB" in one(findings, "INCOMPLETE").summary
    assert "at most 400 MB" in one(findings, "COULD_FREE").summary
    assert findings.key_numbers[0].label == "Could be freed at most"


def test_where_sharing_is_unknown_there_are_two_bounds(tmp_path: Path) -> None:
    from tests.support.inventories import Shelf, layer, publish

    from regtools.history import History

    shelf = Shelf()
    for name in ("a", "b"):
        shelf.tag(name, "v", shelf.image(layer("base", 300 * MB), layer(name, 100 * MB)))
    history = History(tmp_path / "history")
    publish(history, shelf.inventory(), dedup_scope="unknown")
    found = retention(history, Rule(delete_tags=(".",)), now=NOON)
    assert freed_words(found) == "between 500 MB and 800 MB"
    assert "perhaps up to 800 MB" in retention_findings(found).key_numbers[0].note


def test_a_rule_that_deletes_nothing_is_good(tmp_path: Path) -> None:
    findings = retention_findings(what_if(tmp_path, Rule(keep_last=9)))
    assert codes(findings) == ["NOTHING_TO_FREE"]
    assert findings.status == "ok"


def test_a_repository_that_loses_every_image_is_a_warning(tmp_path: Path) -> None:
    found = what_if(tmp_path, Rule(delete_tags=("^v",)))
    emptied = one(retention_findings(found), "REPOSITORY_EMPTIED")
    assert emptied.severity == "warning"
    assert emptied.summary.startswith("2 repositories would lose every image: ")
    assert "team/app1" in emptied.summary
    assert "team/base" not in emptied.summary


def test_one_repository_that_frees_most_is_named(tmp_path: Path) -> None:
    found = what_if(tmp_path, Rule(delete_tags=("^v[0-4]$",)))
    share = one(retention_findings(found), "ONE_REPOSITORY")
    assert "50% of it, with 5 of its 6 tags" in share.summary


def test_few_deletions_that_free_much_are_worth_a_sentence(tmp_path: Path) -> None:
    found = what_if(tmp_path, Rule(keep_last=1), repositories=5)
    few = one(retention_findings(found), "FEW_DELETIONS")
    assert few.summary == f"10 deletions alone would free {format_bytes(10 * 100 * MB)}, 40% of it."


def test_without_a_guard_it_says_so(tmp_path: Path) -> None:
    history = what_if_history(tmp_path / "history")
    unguarded = retention(history, Rule(keep_last=1), now=NOON)
    guarded = retention(history, Rule(keep_last=1), in_use=InUse(images=frozenset()), now=NOON)
    assert "IN_USE_UNKNOWN" in codes(retention_findings(unguarded))
    assert "IN_USE_UNKNOWN" not in codes(retention_findings(guarded))


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_what_is_odd_about_a_policy_is_passed_on(tmp_path: Path, severity: str) -> None:
    found = what_if(tmp_path, Rule(keep_last=1))
    found.remarks = (
        Remark(code="RULE_NEVER_FIRES", rule="rule <2>", message="Never.", severity=severity),  # type: ignore[arg-type]
    )
    findings = retention_findings(found)
    odd = one(findings, "RULE_NEVER_FIRES")
    assert (odd.severity, odd.summary) == (severity, "rule <2>: Never.")
    assert "<2>" not in findings.to_html()
