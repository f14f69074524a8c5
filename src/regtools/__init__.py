"""Storage, cost and health of container registries.

    import regtools as rt

    rt.scan("registry.example.com")
    rt.usage("history/")

Every name here is loaded when it is first used: `import regtools` itself costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regtools.analyses.cost import Scenario, component_table, cost
    from regtools.analyses.growth import Growth, growth
    from regtools.analyses.health import Thresholds, health
    from regtools.analyses.prices import prices
    from regtools.analyses.usage import usage
    from regtools.history import History
    from regtools.reports import report
    from regtools.session import Options, check_auth, diagnose, open_history, scan

_HOMES = {
    "Growth": "analyses.growth",
    "History": "history",
    "Options": "session",
    "Scenario": "analyses.cost",
    "Thresholds": "analyses.health",
    "check_auth": "session",
    "component_table": "analyses.cost",
    "cost": "analyses.cost",
    "diagnose": "session",
    "growth": "analyses.growth",
    "health": "analyses.health",
    "open_history": "session",
    "prices": "analyses.prices",
    "report": "reports",
    "scan": "session",
    "usage": "analyses.usage",
}

__all__ = [
    "Growth",
    "History",
    "Options",
    "Scenario",
    "Thresholds",
    "check_auth",
    "component_table",
    "cost",
    "diagnose",
    "growth",
    "health",
    "open_history",
    "prices",
    "report",
    "scan",
    "usage",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'regtools' has no attribute {name!r}")
    return getattr(import_module(f"regtools.{home}"), name)


def __dir__() -> list[str]:
    return __all__
