"""`regtools sharing`: who has a layer, base images, and content stored more often than need be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from regtools.cli import options
from regtools.cli.output import Format, print_rows, records, say, several_registries
from regtools.errors import ConfigError
from regtools.units import format_bytes

if TYPE_CHECKING:
    import pandas as pd

    from regtools.context import Selection
    from regtools.history import History


class Show(StrEnum):
    """Which question about sharing is answered."""

    BASES = "bases"
    RECOMPRESSED = "recompressed"
    OVERSIZED = "oversized"
    REPEATED = "repeated"


SHARERS_COLUMNS: Final = ("repository", "tag", "digest", "role", "platform", "position")
COLUMNS: Final = {
    Show.BASES: ("base", "platform", "size", "images", "saved_bytes", "verdict"),
    Show.RECOMPRESSED: ("diff_id", "sizes", "wasted_bytes", "repositories", "found_in"),
    Show.OVERSIZED: ("digest", "size", "share", "manifests", "repositories", "tags", "found_in"),
    Show.REPEATED: ("digest", "role", "size", "copies", "wasted_bytes", "found_in"),
}
NOTHING: Final = {
    Show.BASES: "No two images have their first layers in common.",
    Show.RECOMPRESSED: "No layer is stored in several compressions, as far as the images tell.",
    Show.OVERSIZED: "No layer is so large.",
    Show.REPEATED: "Nothing is stored twice.",
}
DEFAULT_SIZE: Final = "500MB"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sharing")(sharing)


def sharing(
    digest: Annotated[
        str | None,
        typer.Argument(
            metavar="[DIGEST]",
            help="Who has this layer, config or manifest; a beginning of six digits will do.",
            show_default=False,
        ),
    ] = None,
    show: Annotated[
        Show | None,
        typer.Option(
            "--show", help="What to look for without a digest [default: bases].", show_default=False
        ),
    ] = None,
    at_least: Annotated[
        str | None,
        typer.Option(
            "--at-least", metavar="SIZE", help=f"What oversized means [default: {DEFAULT_SIZE}]."
        ),
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", min=1, metavar="N", help="Only the first N.")
    ] = None,
    registry: options.Registry = None,
    at: options.At = None,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show what images share, and what is stored more often than need be."""
    from regtools.analyses.sharing import sharers
    from regtools.context import open_history

    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    wanted = show or Show.BASES
    if digest is not None and show is not None:
        raise ConfigError("A digest and --show are two questions.", remedy="Ask one of them.")
    if at_least is not None and (digest is not None or wanted is not Show.OVERSIZED):
        raise ConfigError("--at-least belongs to --show oversized.", remedy="Leave it out.")
    store = open_history(options.history_location(history, config))
    chosen: Selection = {"registry": registry, "at": options.moment(at)}
    if digest is None:
        frame = _answer(wanted, store, at_least or DEFAULT_SIZE, chosen)
        columns = COLUMNS[wanted]
    else:
        frame = sharers(store, digest, **chosen)
        columns = SHARERS_COLUMNS
    shown = frame.head(top) if top else frame
    if fmt is Format.TABLE:
        columns = (*several_registries(frame), *_with_upper_bounds(columns, frame))
        print_rows(records(_readable(shown)), fmt, columns=columns)
        _say_more(frame, None if digest is not None else wanted)
    else:
        print_rows(records(shown), fmt, columns=tuple(frame.columns))
    if not frame["complete"].all():
        say("Not everything could be read: these sizes are at least so large.")


def _answer(show: Show, store: History, at_least: str, chosen: Selection) -> pd.DataFrame:
    from regtools.analyses.sharing import bases, oversized, recompressed, repeated

    if show is Show.OVERSIZED:
        return oversized(store, at_least, **chosen)
    answers = {Show.BASES: bases, Show.RECOMPRESSED: recompressed, Show.REPEATED: repeated}
    return answers[show](store, **chosen)


def _with_upper_bounds(columns: Sequence[str], frame: pd.DataFrame) -> Iterator[str]:
    """Give beside each lower bound the upper one, where that says more."""
    for name in columns:
        yield name
        upper = name.replace("_bytes", "_high_bytes")
        if upper != name and upper in frame and (frame[upper] != frame[name]).any():
            yield upper


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Put into words what a terminal cannot show as it is."""
    frame = frame.copy()
    if "base" in frame:
        unnamed = "(under " + frame["newest"].mask(frame["newest"] == "", "several") + ")"
        frame["base"] = frame["base"].mask(frame["base"] == "", unnamed)
    if "sizes" in frame:
        frame["sizes"] = frame["sizes"].map(lambda sizes: ", ".join(map(format_bytes, sizes)))
    if "share" in frame:
        frame["share"] = frame["share"].map("{:.0%}".format)
    if "tag" in frame:
        frame["tag"] = frame["tag"].mask(frame["tag"] == "", "(untagged)")
    return frame


def _say_more(frame: pd.DataFrame, show: Show | None) -> None:
    if frame.empty:
        say(NOTHING[show] if show is not None else "Nothing that is counted has it any more.")
    elif show is None:
        repositories = len(frame[["registry", "repository"]].drop_duplicates())
        size = format_bytes(int(frame["size"].iloc[0]))
        say(f"{size}, in {len(frame):,} places of {repositories:,} repositories.")
    elif show is Show.BASES:
        say("One base may stand on another: what they save must not be added up.")
