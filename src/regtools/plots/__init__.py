"""One picture, one question: a frame in, the axes out.

Every ``plot_x(frame, *, ax=None)`` draws on axes of its own unless given some, states its
answer in the title, labels directly, stays readable in grey and carries a description for
those who cannot see it; `picture` shows the axes together with that description.
"""

from regtools.plots._canvas import Picture, description, picture
from regtools.plots.changes import plot_between, plot_churn
from regtools.plots.cost import plot_break_even, plot_cost, plot_cost_over_time
from regtools.plots.diagnosis import plot_diagnosis
from regtools.plots.growth import plot_forecast, plot_grown, plot_growth, plot_sharing
from regtools.plots.health import plot_age, plot_certificates
from regtools.plots.retention import plot_freed, plot_retention_curve

__all__ = [
    "Picture",
    "description",
    "picture",
    "plot_age",
    "plot_between",
    "plot_break_even",
    "plot_certificates",
    "plot_churn",
    "plot_cost",
    "plot_cost_over_time",
    "plot_diagnosis",
    "plot_forecast",
    "plot_freed",
    "plot_grown",
    "plot_growth",
    "plot_retention_curve",
    "plot_sharing",
]
