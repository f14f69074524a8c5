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
    from regtools.actions import (
        largest_layers,
        open_findings,
        plan_table,
        repository_actions,
        source_table,
    )
    from regtools.analyses.audit import audit
    from regtools.analyses.cost import (
        Scenario,
        assumptions,
        component_table,
        cost,
        egress_sensitivity,
    )
    from regtools.analyses.growth import Growth, growth
    from regtools.analyses.health import Thresholds, health
    from regtools.analyses.observations import certificates, checks, problems, tag_ages
    from regtools.analyses.prices import prices
    from regtools.analyses.retention import retention
    from regtools.analyses.sharing import bases, oversized, recompressed, repeated, sharers
    from regtools.analyses.usage import usage
    from regtools.context import open_history, provenance, selection
    from regtools.findings import cost_findings, growth_findings, health_findings
    from regtools.history import History
    from regtools.plots import (
        picture,
        plot_age,
        plot_certificates,
        plot_checks,
        plot_cost,
        plot_cost_components,
        plot_cost_sensitivity,
        plot_forecast,
        plot_grown,
        plot_growth,
        plot_sharing,
    )
    from regtools.policies import Rule, read_in_use, read_policy
    from regtools.reference import classify_tag, parse_reference, parse_target
    from regtools.reports import report
    from regtools.session import Options, check_auth, diagnose, probe, scan
    from regtools.tables import table, tiles

_HOMES = {
    "Growth": "analyses.growth",
    "History": "history",
    "Options": "session",
    "Rule": "policies",
    "Scenario": "analyses.cost",
    "Thresholds": "analyses.health",
    "assumptions": "analyses.cost",
    "audit": "analyses.audit",
    "bases": "analyses.sharing",
    "certificates": "analyses.observations",
    "check_auth": "session",
    "checks": "analyses.observations",
    "classify_tag": "reference",
    "component_table": "analyses.cost",
    "cost": "analyses.cost",
    "cost_findings": "findings",
    "diagnose": "session",
    "egress_sensitivity": "analyses.cost",
    "growth": "analyses.growth",
    "growth_findings": "findings",
    "health": "analyses.health",
    "health_findings": "findings",
    "largest_layers": "actions",
    "open_findings": "actions",
    "open_history": "context",
    "oversized": "analyses.sharing",
    "parse_reference": "reference",
    "parse_target": "reference",
    "picture": "plots",
    "plan_table": "actions",
    "plot_age": "plots",
    "plot_certificates": "plots",
    "plot_checks": "plots",
    "plot_cost": "plots",
    "plot_cost_components": "plots",
    "plot_cost_sensitivity": "plots",
    "plot_forecast": "plots",
    "plot_grown": "plots",
    "plot_growth": "plots",
    "plot_sharing": "plots",
    "prices": "analyses.prices",
    "probe": "session",
    "problems": "analyses.observations",
    "provenance": "context",
    "read_in_use": "policies",
    "read_policy": "policies",
    "recompressed": "analyses.sharing",
    "repeated": "analyses.sharing",
    "report": "reports",
    "repository_actions": "actions",
    "retention": "analyses.retention",
    "scan": "session",
    "selection": "context",
    "sharers": "analyses.sharing",
    "source_table": "actions",
    "table": "tables",
    "tag_ages": "analyses.observations",
    "tiles": "tables",
    "usage": "analyses.usage",
}

__all__ = [
    "Growth",
    "History",
    "Options",
    "Rule",
    "Scenario",
    "Thresholds",
    "assumptions",
    "audit",
    "bases",
    "certificates",
    "check_auth",
    "checks",
    "classify_tag",
    "component_table",
    "cost",
    "cost_findings",
    "diagnose",
    "egress_sensitivity",
    "growth",
    "growth_findings",
    "health",
    "health_findings",
    "largest_layers",
    "open_findings",
    "open_history",
    "oversized",
    "parse_reference",
    "parse_target",
    "picture",
    "plan_table",
    "plot_age",
    "plot_certificates",
    "plot_checks",
    "plot_cost",
    "plot_cost_components",
    "plot_cost_sensitivity",
    "plot_forecast",
    "plot_grown",
    "plot_growth",
    "plot_sharing",
    "prices",
    "probe",
    "problems",
    "provenance",
    "read_in_use",
    "read_policy",
    "recompressed",
    "repeated",
    "report",
    "repository_actions",
    "retention",
    "scan",
    "selection",
    "sharers",
    "source_table",
    "table",
    "tag_ages",
    "tiles",
    "usage",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'regtools' has no attribute {name!r}")
    return getattr(import_module(f"regtools.{home}"), name)


def __dir__() -> list[str]:
    return __all__
