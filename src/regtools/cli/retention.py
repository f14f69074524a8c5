"""`regtools retention`: what a rule would delete and free; deletes nothing."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from regtools.cli import options
from regtools.cli.output import Format, plain, print_document, print_rows, records, say
from regtools.errors import ConfigError
from regtools.units import format_bytes, format_usd, parse_age

if TYPE_CHECKING:
    import pandas as pd

    from regtools.analyses.retention import Retention
    from regtools.policies import Rule


class Vendor(StrEnum):
    """In whose form a rule is printed."""

    ECR = "ecr"
    ARTIFACT_REGISTRY = "artifact-registry"
    HARBOR = "harbor"
    GITLAB = "gitlab"
    SCRIPT = "script"


class Tool(StrEnum):
    """The program that a script calls."""

    REGCTL = "regctl"
    SKOPEO = "skopeo"
    CRANE = "crane"


ROW_KEYS: Final = ("repository", "tag", "digest", "rule")
KEPT_KEYS: Final = ("repository", "tag", "digest", "reason")
MANIFEST_KEYS: Final = ("repository", "digest", "size")
REPOSITORY_COLUMNS: Final = (
    "repository",
    "tags",
    "tags_deleted",
    "manifests_deleted",
    "physical_bytes",
    "freed_bytes",
    "freed_with_others_bytes",
)
BEST_COLUMNS: Final = ("repository", "tags", "digest", "bytes_freed", "total_bytes_freed")
MOST_ROWS: Final = 20
"""How many repositories a terminal shows; JSON holds all that goes."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("retention")(retention)


def retention(
    keep_last: Annotated[
        int | None,
        typer.Option("--keep-last", min=0, metavar="N", help="All but the N newest versions go."),
    ] = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="Go when older: 30d, 12h, 8w.")
    ] = None,
    keep_tag: Annotated[
        list[str] | None,
        typer.Option("--keep-tag", metavar="REGEX", help="Tags that stay; may be repeated."),
    ] = None,
    delete_tag: Annotated[
        list[str] | None,
        typer.Option("--delete-tag", metavar="REGEX", help="Only such tags go; may be repeated."),
    ] = None,
    untagged: Annotated[
        bool, typer.Option("--untagged", help="Manifests without a tag go, and no tags.")
    ] = False,
    never_pulled: Annotated[
        bool, typer.Option("--never-pulled", help="Only what was never pulled, where that is told.")
    ] = False,
    in_use: Annotated[
        list[Path] | None,
        typer.Option(
            "--in-use",
            metavar="FILE",
            help="What runs, and so stays: Kubernetes pods (JSON), a compose file, or a list.",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="A vendor's own rules, instead of these."),
    ] = None,
    emit: Annotated[
        Vendor | None,
        typer.Option("--emit", help="Print the rule in a vendor's form, or a script to review."),
    ] = None,
    tool: Annotated[
        Tool, typer.Option("--tool", help="What the script deletes with.")
    ] = Tool.REGCTL,
    best: Annotated[
        int,
        typer.Option("--best", min=0, max=100, metavar="K", help="The K deletions that free most."),
    ] = 5,
    kept: Annotated[bool, typer.Option("--kept", help="Show what stays, and why, too.")] = False,
    registry: options.Registry = None,
    at: options.At = None,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show what a rule would delete and free. Nothing is deleted.

    A tag goes if every condition given selects it; what --keep-tag or --in-use names stays.
    """
    from regtools.analyses.retention import retention as analyze
    from regtools.context import only_registry, open_history
    from regtools.policies import InUse, Rule, read_in_use, read_policy

    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    rule = Rule(
        keep_last=keep_last,
        older_than=parse_age(older_than) if older_than is not None else None,
        keep_tags=tuple(keep_tag or ()),
        delete_tags=tuple(delete_tag or ()),
        untagged=untagged,
        never_pulled=never_pulled,
    )
    _check(rule, policy, emit)
    if emit not in (None, Vendor.SCRIPT):
        _emit_rule(rule, emit)
        return
    store = open_history(options.history_location(history, config))
    found = analyze(
        store,
        rule if policy is None else None,
        policy=read_policy(policy) if policy is not None else None,
        in_use=InUse.of([read_in_use(file) for file in in_use]) if in_use else None,
        registry=only_registry(store, registry),
        at=options.moment(at),
    )
    if emit is Vendor.SCRIPT:
        _emit_script(found, tool)
    elif fmt is Format.JSON:
        _print_json(found, best, kept=kept)
    elif fmt is Format.CSV:
        print_rows(records(found.tags), fmt, columns=ROW_KEYS, json_columns=ROW_KEYS)
    else:
        _print_tables(found, best)
        if kept:
            _print_kept(found)
    _say_notes(found)


def _check(rule: Rule, policy: Path | None, emit: Vendor | None) -> None:
    if policy is not None and (rule.has_condition or rule.keep_tags):
        raise ConfigError(
            "--policy brings its own rules.",
            code="RULE_INVALID",
            remedy="Leave out the other conditions, or leave out --policy.",
        )
    if policy is None and not rule.has_condition:
        raise ConfigError(
            "No condition selects anything.",
            code="RULE_INVALID",
            remedy="Give --keep-last, --older-than, --delete-tag, --untagged, --never-pulled or --policy.",
        )
    if policy is not None and emit not in (None, Vendor.SCRIPT):
        raise ConfigError(
            f"A vendor's policy cannot be printed for {emit}.",
            code="RULE_INVALID",
            remedy="Give the conditions as options.",
        )


def _emit_rule(rule: Rule, vendor: Vendor | None) -> None:
    from regtools.policies import emit_rule

    if vendor is not None:
        sys.stdout.write(emit_rule(rule, vendor.value).rstrip("\n") + "\n")


def _emit_script(found: Retention, tool: Tool) -> None:
    from regtools.policies import deletion_script

    sys.stdout.write(
        deletion_script(
            [
                (row["registry"], row["repository"], row["digest"])
                for row in found.manifests.to_dict("records")
            ],
            tool=tool.value,
            about=found.describe(),
        )
    )


def _print_json(found: Retention, best: int, *, kept: bool) -> None:
    print_document(
        registry=found.registry,
        complete=found.complete,
        tags_deleted=found.tags_deleted,
        manifests_deleted=found.manifests_deleted,
        bytes_freed=found.bytes_freed,
        bytes_freed_low=found.bytes_freed_low,
        bytes_freed_high=found.bytes_freed_high,
        bytes_kept=found.bytes_kept,
        monthly_usd_freed=plain(found.monthly_usd_freed),
        rows=records(_with_null_tags(found.tags)[list(ROW_KEYS)]),
        manifests=records(found.manifests[list(MANIFEST_KEYS)]),
        best=records(found.best(best)) if best else [],
        archived=records(found.archived[list(ROW_KEYS)]),
        **({"kept": records(_with_null_tags(found.kept)[list(KEPT_KEYS)])} if kept else {}),
        remarks=[
            {"code": one.code, "severity": one.severity, "rule": one.rule, "message": one.message}
            for one in found.remarks
        ],
        notes=list(found.notes),
    )


def _with_null_tags(frame: pd.DataFrame) -> pd.DataFrame:
    """Give no tag as null, as JSON has it."""
    return frame.assign(tag=frame["tag"].mask(frame["tag"] == "", None))


def _print_kept(found: Retention) -> None:
    reasons = found.kept.groupby("reason", sort=True).size().sort_values(ascending=False)
    rows = [{"reason": reason, "tags": int(count)} for reason, count in reasons.items()]
    print_rows(rows, Format.TABLE, columns=("reason", "tags"), title="What stays, and why")


def _print_tables(found: Retention, best: int) -> None:
    repositories = found.repositories
    touched = repositories[repositories["tags_deleted"] + repositories["manifests_deleted"] > 0]
    print_rows(
        records(touched.head(MOST_ROWS)),
        Format.TABLE,
        columns=REPOSITORY_COLUMNS,
        title="What would go",
    )
    if len(touched) > MOST_ROWS:
        say(f"… and {len(touched) - MOST_ROWS:,} more repositories; --json lists everything.")
    if best and not touched.empty:
        chosen = found.best(best)
        tags = chosen["tags"].map(lambda names: ", ".join(names) or "(untagged)")
        print_rows(
            records(chosen.assign(tags=tags)),
            Format.TABLE,
            columns=BEST_COLUMNS,
            title="Deletions that free most",
        )
    at_least = "" if found.complete else "at most "
    usd = found.monthly_usd_freed
    worth = f", worth {format_usd(usd)} a month" if usd is not None and usd > 0 else ""
    say(
        f"{found.tags_deleted:,} tags and {found.manifests_deleted:,} manifests would go, which "
        f"frees {at_least}{format_bytes(found.bytes_freed)}{worth}; "
        f"{format_bytes(found.bytes_kept)} stay. Nothing was deleted."
    )


def _say_notes(found: Retention) -> None:
    for note in found.notes:
        say(note)
    for remark in found.remarks:
        where = f"{remark.rule}: " if remark.rule else ""
        say(f"{remark.severity}: {where}{remark.message} [{remark.code}]")
    if not found.archived.empty:
        say(f"{len(found.archived):,} more move to a cheaper storage class and stay stored.")
