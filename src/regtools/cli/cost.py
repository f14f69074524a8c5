"""`regtools cost`: the bill of every provider for a workload, measured or typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from regtools.cli import options
from regtools.cli.output import Format, plain, print_document, print_rows, records, say

if TYPE_CHECKING:
    import pandas as pd

    from regtools.analyses.comparison.answer import Answer
    from regtools.analyses.workload import Workload

SHOWN: Final = ("provider", "plan", "monthly_usd", "three_years_usd", "grade")
"""What fits on 80 columns."""
PLAN_COLUMNS: Final = ("provider", "plan", "monthly_usd", "low_usd", "high_usd", "grade", "why_not")
ROW_KEYS: Final = (
    "provider",
    "plan",
    "edition",
    "monthly_usd",
    "low_usd",
    "high_usd",
    "grade",
    "feasible",
    "why_not",
    "first_month_usd",
    "year_usd",
    "three_years_usd",
    "fits_months",
    "storage_gb",
    "components",
    "notes",
    "complete",
    "cheapest_of_provider",
    "is_today",
)
"""The promised keys of a row in JSON and CSV."""
LOCAL_KEYS: Final = ("currency", "monthly", "low", "high", "year", "three_years")
"""What a currency adds."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("cost")(cost)


def cost(
    storage_gb: Annotated[
        float | None,
        typer.Option("--storage-gb", min=0, help="GB to store; without a history of any kind."),
    ] = None,
    egress_gb: Annotated[
        float | None,
        typer.Option("--egress-gb", min=0, help="GB pulled over the internet in a month."),
    ] = None,
    users: Annotated[
        int | None, typer.Option("--users", min=1, help="People, for plans billed by head.")
    ] = None,
    private_repositories: Annotated[
        int | None,
        typer.Option("--private-repositories", min=0, help="How many must be private."),
    ] = None,
    pulls: Annotated[
        int | None, typer.Option("--pulls", min=0, help="Pulls in a month, of an average image.")
    ] = None,
    pull_gb: Annotated[
        float | None, typer.Option("--pull-gb", min=0, help="GB that one pull transfers.")
    ] = None,
    ci_jobs: Annotated[
        float | None,
        typer.Option("--ci-jobs", min=0, help="CI jobs a day that start from an image."),
    ] = None,
    cold_share: Annotated[
        float | None,
        typer.Option("--cold-share", min=0, max=1, help="Share of them that find nothing cached."),
    ] = None,
    nodes: Annotated[
        int | None, typer.Option("--nodes", min=0, help="Machines that run the images.")
    ] = None,
    deploys: Annotated[
        float | None, typer.Option("--deploys", min=0, help="New images a day on each of them.")
    ] = None,
    same_region_share: Annotated[
        float | None,
        typer.Option(
            "--same-region-share", min=0, max=1, help="Share of pulls inside the provider's region."
        ),
    ] = None,
    growth_gb: Annotated[
        float | None,
        typer.Option("--growth-gb", help="GB that come in a month; left out: the trend."),
    ] = None,
    region: Annotated[
        str | None, typer.Option("--region", metavar="NAME", help="Where: us-east-1.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="As public images, which some host for nothing.")
    ] = False,
    new_account: Annotated[
        bool, typer.Option("--new-account", help="With what a new account has free for a time.")
    ] = False,
    labour: Annotated[
        float | None,
        typer.Option("--labour", min=0, metavar="USD", help="What an hour of your people costs."),
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option("--currency", metavar="CODE", help="Show amounts in it too; needs --rate."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", help="How much of the currency one US dollar is: 0.92."),
    ] = None,
    regions: Annotated[
        int | None, typer.Option("--regions", min=1, help="In how many regions images lie.")
    ] = None,
    archived_share: Annotated[
        float | None,
        typer.Option("--archived-share", min=0, max=1, help="Share that may lie in an archive."),
    ] = None,
    own_machine: Annotated[
        float | None,
        typer.Option("--own-machine", min=0, metavar="USD", help="Your own machine, a month."),
    ] = None,
    own_disk: Annotated[
        float | None, typer.Option("--own-disk", min=0, metavar="USD", help="A GB of its disk.")
    ] = None,
    backup: Annotated[
        float | None, typer.Option("--backup", min=0, metavar="USD", help="A GB of backup.")
    ] = None,
    labour_hours: Annotated[
        float | None,
        typer.Option("--labour-hours", min=0, help="Hours a month to run a registry yourself."),
    ] = None,
    edition: options.Edition = None,
    every_plan: Annotated[
        bool, typer.Option("--all", help="Every plan, and what it lacks.")
    ] = False,
    details: Annotated[
        bool, typer.Option("--details", help="Every line of every bill, with its source.")
    ] = False,
    registry: options.Registry = None,
    at: options.At = None,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Price this inventory, or a typed one, at every provider: a month's bill, cheapest first."""
    from regtools.analyses.comparison.answer import cost_answer
    from regtools.analyses.cost import component_table, in_currency
    from regtools.analyses.cost import cost as analyze
    from regtools.analyses.scenario import Scenario
    from regtools.analyses.workload import typed_workload, workload
    from regtools.context import open_history, open_prices

    if (currency is None) != (rate is None):
        raise typer.BadParameter("--currency and --rate go together.")
    given = {
        "egress_gb": egress_gb,
        "users": users,
        "private_repositories": private_repositories,
        "pulls": pulls,
        "pull_gb": pull_gb,
        "ci_jobs_a_day": ci_jobs,
        "cold_share": cold_share,
        "nodes": nodes,
        "deploys_a_day": deploys,
        "same_region_share": same_region_share,
        "growth_gb": growth_gb,
        "region": region,
        "labour_usd_per_hour": labour,
        "regions": regions,
        "archived_share": archived_share,
        "own_machine_usd": own_machine,
        "own_disk_usd_per_gb": own_disk,
        "backup_usd_per_gb": backup,
        "labour_hours": labour_hours,
    }
    known: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    scenario = Scenario(private=not public, new_account=new_account, **known)
    if storage_gb is not None:
        found = typed_workload(storage_gb, scenario)
    else:
        store = open_history(options.history_location(history, config))
        found = workload(store, scenario, registry=registry, at=options.moment(at))
    book = open_prices(edition or "", config=config)
    frame = analyze(found, book=book)
    if currency is not None and rate is not None:
        frame = in_currency(frame, currency, rate)
    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    if details:
        lines = component_table(frame)
        print_rows(records(lines), fmt, columns=tuple(lines.columns))
    elif fmt is Format.TABLE:
        _print(frame, cost_answer(found, book=book), every_plan=every_plan)
    else:
        _print_data(frame, found, fmt)


def _print_data(frame: pd.DataFrame, found: Workload, fmt: Format) -> None:
    keys = (*ROW_KEYS, *(LOCAL_KEYS if "currency" in frame else ()))
    rows = records(frame)
    if fmt is Format.CSV:
        print_rows(rows, fmt, columns=keys, json_columns=keys)
        return
    print_document(
        workload=plain(found.to_dict()), rows=[{key: row[key] for key in keys} for row in rows]
    )


def _print(frame: pd.DataFrame, answer: Answer, *, every_plan: bool) -> None:
    shown = frame if every_plan else frame[frame["cheapest_of_provider"]]
    columns: tuple[str, ...] = PLAN_COLUMNS if every_plan else SHOWN
    if "currency" in frame:
        code = str(frame["currency"].iloc[0]).lower()
        local = {"monthly": f"monthly_{code}", "three_years": f"three_years_{code}"}
        shown = shown.rename(columns=local)
        columns = ("provider", "plan", "monthly_usd", *local.values(), "grade")
    print_rows(records(shown), Format.TABLE, columns=columns)
    for line in (answer.sentence, *answer.changes):
        say(line)
    old = sorted(set(shown.loc[shown["notes"].str.startswith("Its prices are of"), "provider"]))
    if old:
        say(f"Prices older than a year, or undated: {', '.join(old)}. Check before you decide.")
    marked = sorted(set(shown.loc[shown["grade"] == "U", "provider"]))
    if marked:
        say(f"Grade U, from an uncertain source: {', '.join(marked)}. Ask before you decide.")
    if not frame["complete"].all():
        say("Not everything could be read: bills for storage and traffic are lower bounds.")
    if not every_plan:
        say("The cheapest plan of each provider; --all shows every plan, --details every price.")
