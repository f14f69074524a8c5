"""Every picture states its answer, has its units, a description, and draws foreign names as text."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from tests.support.frames import (
    HOSTILE,
    REGISTRY,
    between_frames,
    checks_frame,
    churn_frames,
    cost_frame,
    growth_frames,
    usage_frame,
    what_if,
)

from regtools import plots
from regtools.plots._canvas import canvas, finish, label, money, styled
from regtools.thresholds import Thresholds

CERTIFICATES = pd.DataFrame({"registry": [REGISTRY, HOSTILE], "days_left": [90.0, 3.0]})
AGES = pd.DataFrame({"age": ["young", HOSTILE], "tags": [30, 10]})
BYTE_AGES = pd.DataFrame(
    {
        "registry": ["a", "a", "a", "b", "b", "b"],
        "age": ["young", HOSTILE, "no date"] * 2,
        "physical_bytes": [30 * 10**9, 10 * 10**9, 5 * 10**9, 10**9, 3 * 10**9, 10**9],
    }
)
CURVE = pd.DataFrame(
    {
        "over": "egress_gb",
        "provider": ["Flat", "Flat", HOSTILE, HOSTILE],
        "amount": [0.0, 100.0, 0.0, 100.0],
        "monthly_usd": [50.0, 50.0, 10.0, 90.0],
        "grade": ["A", "U", "A", "A"],
        "now": 30.0,
    }
)
MONTHS = pd.DataFrame(
    {
        "provider": ["Flat", "Flat", HOSTILE, HOSTILE],
        "month": [1, 2, 1, 2],
        "monthly_usd": [50.0, 50.0, 10.0, 90.0],
        "low_usd": [50.0, 50.0, 9.0, 80.0],
        "high_usd": [50.0, 50.0, 12.0, None],
        "grade": "A",
        "feasible": True,
    }
)
PICTURES: dict[str, tuple[Callable[..., Axes], Any, str]] = {
    "growth": (
        plots.plot_growth,
        growth_frames(),
        "190 GB stored: 36% more than 5 months ago",
    ),
    "forecast": (
        plots.plot_forecast,
        growth_frames(capacity=250e9, days_until_full=60),
        "Growing by about 30.0 GB a month: full in 60 days",
    ),
    "grown": (plots.plot_grown, growth_frames(), "3 repositories make 100% of the growth"),
    "sharing": (
        plots.plot_sharing,
        usage_frame(),
        "40% is shared: deleting a repository frees only its dark part",
    ),
    "freed": (
        plots.plot_freed,
        what_if(),
        "60.0 GB of 100 GB would be freed: 60%, most of it in web",
    ),
    "curve": (
        plots.plot_retention_curve,
        what_if(),
        "Keeping 2 of each repository frees 60.0 GB; keeping 4 still frees 30.0 GB",
    ),
    "diagnosis": (
        plots.plot_diagnosis,
        checks_frame(),
        "The way ends at DNS on <script>$x$ [31m</script>: DNS_FAILED",
    ),
    "certificates": (
        plots.plot_certificates,
        CERTIFICATES,
        "Next to end: <script>$x$ [31m</script>, in 3 days",
    ),
    "between": (
        plots.plot_between,
        between_frames(),
        "80.0 GB came and 15.0 GB went since 24 Oct 2026, 75% of it with web",
    ),
    "churn": (
        plots.plot_churn,
        churn_frames(),
        "80.0 GB was pushed: 15.0 GB is gone again, most of it in <script>$x$ [31m</script>",
    ),
    "bytes by age": (
        partial(plots.plot_age, of="physical_bytes"),
        BYTE_AGES,
        "26% of 50.0 GB is held only by images over a year old",
    ),
    "age": (plots.plot_age, AGES, "25% of 40 tags are older than a year"),
    "cost": (plots.plot_cost, cost_frame(), "From $120 ("),
    "break even": (
        plots.plot_break_even,
        CURVE,
        "is cheapest at first, Flat with 100 GB of traffic",
    ),
    "months": (plots.plot_cost_over_time, MONTHS, "goes from $10 to $90 a month in 2 months"),
}


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(params=PICTURES, ids=list(PICTURES))
def drawn(request: pytest.FixtureRequest) -> tuple[Axes, str]:
    draw, frame, title = PICTURES[request.param]
    return draw(frame), title


def test_the_title_states_the_answer(drawn: tuple[Axes, str]) -> None:
    ax, title = drawn
    assert title in ax.get_title(loc="left")


def test_the_description_says_more_than_the_title(drawn: tuple[Axes, str]) -> None:
    ax, _ = drawn
    alt = plots.description(ax)
    assert ax.get_title(loc="left") in alt
    assert len(alt) > len(ax.get_title(loc="left")) + 20
    assert "\x1b" not in alt


def test_no_foreign_name_is_read_as_a_formula(drawn: tuple[Axes, str]) -> None:
    ax, _ = drawn
    plots.picture(ax)
    texts = [text for text in ax.figure.findobj(Text) if "$x$" in text.get_text()]
    assert all(not text.get_parse_math() for text in texts)
    assert all("\x1b" not in text.get_text() for text in texts)


def test_a_picture_is_a_png_with_its_description(drawn: tuple[Axes, str]) -> None:
    ax, _ = drawn
    data, metadata = plots.picture(ax)._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == plots.description(ax)
    assert metadata["image/png"]["width"] == 860


def test_a_picture_is_not_shown_a_second_time_by_pyplot(drawn: tuple[Axes, str]) -> None:
    plots.picture(drawn[0])
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_draws_on_given_axes(name: str) -> None:
    draw, frame, _ = PICTURES[name]
    _, ax = plt.subplots()
    assert draw(frame, ax=ax) is ax


EMPTY = {
    "growth": (plots.plot_growth, growth_frames(), ["series"]),
    "forecast": (plots.plot_forecast, growth_frames(), ["forecast"]),
    "grown": (plots.plot_grown, growth_frames(), ["by_repository"]),
    "between": (plots.plot_between, between_frames(), ["repositories"]),
    "churn": (plots.plot_churn, churn_frames(), ["intervals"]),
}


@pytest.mark.parametrize("name", EMPTY)
def test_growth_without_rows_is_a_sentence(name: str) -> None:
    draw, frames, emptied = EMPTY[name]
    for attribute in emptied:
        setattr(frames, attribute, getattr(frames, attribute).head(0))
    assert plots.description(draw(frames)).endswith((".", "one."))


@pytest.mark.parametrize(
    ("draw", "frame"),
    [
        (plots.plot_sharing, usage_frame().head(0)),
        (plots.plot_diagnosis, checks_frame().head(0)),
        (plots.plot_certificates, CERTIFICATES.head(0)),
        (plots.plot_age, AGES.head(0)),
        (plots.plot_cost, cost_frame().head(0)),
        (plots.plot_break_even, CURVE.head(0)),
        (plots.plot_cost_over_time, MONTHS.head(0)),
    ],
)
def test_a_frame_without_rows_is_a_sentence(
    draw: Callable[[pd.DataFrame], Axes], frame: pd.DataFrame
) -> None:
    assert plots.description(draw(frame)).endswith(".")


def test_reconstructed_time_is_dashed_and_named() -> None:
    ax = plots.plot_growth(growth_frames())
    assert {"-", "--"} <= {line.get_linestyle() for line in ax.lines}
    assert "reconstructed from image dates" in {text.get_text() for text in ax.texts}
    assert "4 of 10 points reconstructed" in plots.description(ax)


def test_a_plan_that_cannot_hold_the_workload_is_dotted_and_named() -> None:
    frame = cost_frame()
    frame["feasible"] = [True, False, False, True]
    ax = plots.plot_cost(frame)
    assert "$5: not possible" in {text.get_text() for text in ax.texts}
    assert "price not published" in {text.get_text() for text in ax.texts}
    dotted = [bar for bar in ax.patches if bar.get_linestyle() == ":"]
    assert [round(bar.get_width()) for bar in dotted] == [5]


def test_a_bar_is_made_of_its_components() -> None:
    ax = plots.plot_cost(cost_frame())
    widths = [round(bar.get_width()) for bar in ax.patches]
    assert widths == [90, 30, 300, 100]
    assert len({bar.get_hatch() for bar in ax.patches}) == 2
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["storage", "traffic"]


def test_a_curve_shows_where_one_is_now() -> None:
    ax = plots.plot_break_even(CURVE)
    assert {"now", "Flat (U)"} <= {text.get_text() for text in ax.texts}
    assert any(set(line.get_xdata()) == {30.0} for line in ax.lines)


def test_curves_show_the_seven_that_are_cheapest_now() -> None:
    rows = [
        {
            "over": "users",
            "provider": f"P{n}",
            "amount": x,
            "monthly_usd": n * (10 - x),
            "grade": "A",
            "now": 0,
        }
        for n in range(1, 10)
        for x in (0, 9)
    ]
    ax = plots.plot_break_even(pd.DataFrame(rows))
    assert "(the 7 cheapest of 9)" in ax.get_xlabel()
    assert {text.get_text() for text in ax.texts} == {"now", *(f"P{n}" for n in range(1, 8))}


def test_of_each_provider_the_cheapest_possible_plan_is_drawn() -> None:
    ax = plots.plot_cost(cost_frame())
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert [name.split("\n")[1] for name in names] == ["large", "only", "ask (U)"]


def test_what_goes_is_dark_and_what_is_shared_is_hatched() -> None:
    ax = plots.plot_freed(what_if())
    rows = len(ax.get_yticks())
    drawn = [(bar.get_facecolor()[0] < 0.3, bar.get_hatch()) for bar in ax.patches[::rows]]
    assert drawn == [(True, ""), (True, "////"), (False, ""), (False, "////")]
    widths = [round(bar.get_width() / 10**9) for bar in ax.patches]
    assert widths == [40, 10, 5, 10, 10, 5, 5, 5]
    assert {"45.0 GB of 60.0 GB", "20.0 GB of 30.0 GB"} <= {text.get_text() for text in ax.texts}


def test_the_curve_adds_registries_up_and_marks_the_rule() -> None:
    ax = plots.plot_retention_curve(what_if())
    line = ax.lines[0]
    assert list(line.get_xdata()) == [1, 3, 5, 9]  # images that stay at 0, 1, 3 and 4
    assert [size // 10**9 for size in line.get_ydata()] == [99, 79, 70, 30]
    assert "this rule: 60.0 GB" in {text.get_text() for text in ax.texts}


def test_a_registry_in_which_no_number_matters_is_in_the_curve_all_the_same() -> None:
    found = what_if()
    alone = found.curve()[lambda curve: curve["registry"] == "other.example"]
    found.curve = lambda: alone
    line = plots.plot_retention_curve(found).lines[0]
    assert list(line.get_xdata()) == [1 + 4, 3 + 4]
    assert [size // 10**9 for size in line.get_ydata()] == [9 + 51, 0 + 51]


@pytest.mark.parametrize("draw", [plots.plot_freed, plots.plot_retention_curve])
def test_of_an_incomplete_scan_a_picture_says_at_most(draw: Callable[..., Axes]) -> None:
    assert "at most 60.0 GB" in draw(what_if(complete=False)).get_title(loc="left").lower().replace(
        "gb", "GB"
    )


def test_a_rule_without_a_number_to_keep_is_compared_with_the_newest() -> None:
    title = plots.plot_retention_curve(what_if(keep_last=None)).get_title(loc="left")
    assert title == "60.0 GB freed; keeping the newest of each repository frees 79.0 GB"


def test_where_nothing_depends_on_the_number_there_is_no_curve() -> None:
    found = what_if()
    nothing = found.curve().head(0)
    found.curve = lambda: nothing
    assert "does not depend" in plots.description(plots.plot_retention_curve(found))
    found.repositories = found.repositories.head(0)
    assert plots.description(plots.plot_freed(found)) == "No repository with bytes."


def test_a_failed_stage_says_so_in_words_and_by_its_hatch() -> None:
    ax = plots.plot_diagnosis(checks_frame())
    assert {"1.0 ms  DNS_FAILED", "1.0 ms  TLS_EXPIRES_SOON", "1.0 ms"} <= {
        text.get_text() for text in ax.texts
    }
    assert [bar.get_hatch() for bar in ax.patches] == ["xx", None, "///", None]


def test_a_stage_begins_where_the_one_before_it_ended() -> None:
    rows = checks_frame().iloc[:3].drop(columns="registry")
    rows["ms"] = [2.0, float("nan"), 3.0]
    bars = plots.plot_diagnosis(rows).patches
    assert [bar.get_x() for bar in bars] == [0, 2, 2]
    assert bars[0].get_width() == 2
    assert 0 < bars[1].get_width() < 0.1
    assert bars[2].get_width() == 3


def test_of_many_registries_those_that_need_a_hand_are_drawn() -> None:
    good = checks_frame().iloc[[0]]
    many = pd.concat([*(good.assign(registry=f"r{n}.example") for n in range(9)), checks_frame()])
    ax = plots.plot_diagnosis(many)
    names = [text.get_text() for text in ax.texts if text.get_text().endswith(("example", ">"))]
    assert len(names) == 4
    assert names[1] == REGISTRY
    title = plots.plot_diagnosis(many.iloc[:9]).get_title(loc="left")
    assert title == "Every stage answers on all 9 registries; DNS takes longest, 1 ms"


def test_a_long_name_keeps_both_ends() -> None:
    assert label("a" * 30 + "/end", 12) == "aaaaaa…a/end"
    assert label("short") == "short"


def test_money_has_cents_only_where_they_matter() -> None:
    assert [money(amount) for amount in (0, 5, 0.25, 99.5, 160.2)] == [
        "$0",
        "$5",
        "$0.25",
        "$99.50",
        "$160",
    ]


def test_what_went_lies_left_of_what_came_and_is_hatched() -> None:
    ax = plots.plot_between(between_frames())
    came, went = ax.containers
    assert [bar.get_width() for bar in came] == [60e9, 20e9, 0]
    assert [bar.get_width() for bar in went] == [0, -5e9, -10e9]
    assert {bar.get_hatch() for bar in went} == {"////"}
    assert "old −10.0 GB" in plots.description(ax)


def test_bytes_of_an_interval_are_spread_over_its_days_and_registries_added_up() -> None:
    ax = plots.plot_churn(churn_frames())
    came, went = ax.containers
    assert [bar.get_height() for bar in came] == [50e9, 30e9]
    assert [bar.get_height() for bar in went] == [0, -15e9]
    assert [bar.get_width() for bar in came] == [1.0, 1.0]


def test_where_nothing_is_gone_again_the_picture_says_so() -> None:
    title = plots.plot_churn(churn_frames(passing=0)).get_title(loc="left")
    assert title == "80.0 GB was pushed and is still there"


def test_what_has_no_date_stands_apart() -> None:
    ax = plots.plot_age(BYTE_AGES, of="physical_bytes")
    assert [bar.get_hatch() for bar in ax.patches] == [None, None, "////"]
    assert len(plots.plot_age(AGES.assign(age=["young", "old"])).patches) == 2


@pytest.mark.parametrize(
    ("draw", "frames"),
    [(plots.plot_between, between_frames()), (plots.plot_churn, churn_frames())],
)
def test_what_was_not_read_may_only_seem_to_have_come(
    draw: Callable[..., Axes], frames: Any
) -> None:
    assert "only seem" not in plots.description(draw(frames))
    frames.totals["complete"] = False
    ax = draw(frames)
    assert "only seem to have come or gone" in plots.description(ax)
    assert any("only seem" in text.get_text() for text in ax.texts)


def test_certificates_are_drawn_by_the_thresholds_that_hold() -> None:
    limits = Thresholds(certificate_warning_days=120, certificate_critical_days=2)
    ax = plots.plot_certificates(CERTIFICATES, thresholds=limits)
    assert ax.get_xlabel() == "days left; dashed: 120 days, time to renew"
    usual = plots.plot_certificates(CERTIFICATES)
    assert usual.get_xlabel() == "days left; dashed: 30 days, time to renew"
    assert [bar.get_facecolor() for bar in ax.patches] != [
        bar.get_facecolor() for bar in usual.patches
    ]


def test_a_title_takes_a_second_line_only_where_the_pictures_width_is_not_enough() -> None:
    @styled
    def titled(title: str) -> Axes:
        ax = canvas(None)
        ax.set_yticks([0], ["a name that takes much room"])
        return finish(ax, title=title, alt="")

    short, fits, long = (
        titled("Cheap"),
        titled("GitHub Container Registry is the cheapest at both ends, up to 2,016 GB"),
        titled("The bill goes from $5 to $9 a month with " + "many images " * 9),
    )
    for ax in (short, fits, long):
        plots.picture(ax)
    assert short.get_position().y1 == fits.get_position().y1 > long.get_position().y1
