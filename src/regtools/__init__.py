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
    from regtools.abilities import capabilities
    from regtools.access import Options
    from regtools.actions import (
        base_images,
        largest_layers,
        open_findings,
        plan_table,
        repository_actions,
        source_table,
    )
    from regtools.analyses.audit import audit
    from regtools.analyses.baseline import baseline
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
    from regtools.analyses.reconcile import Reconciliation, reconcile
    from regtools.analyses.retention import Retention, retention
    from regtools.analyses.sharing import bases, oversized, recompressed, repeated, sharers
    from regtools.analyses.usage import usage
    from regtools.cleanup import (
        conditions,
        deletion_steps,
        first_deletions,
        freed_by_repository,
        kept_reasons,
    )
    from regtools.context import open_history, provenance, selection
    from regtools.diagnosing import diagnose_form, newest_diagnosis
    from regtools.explorer import explore_retention
    from regtools.findings import (
        cost_findings,
        diagnosis_findings,
        growth_findings,
        health_findings,
        retention_findings,
    )
    from regtools.history import History
    from regtools.lights import checks_matrix, diagnosis_table
    from regtools.lint import lint_secret
    from regtools.migrate import migrate_plan, migrate_verify
    from regtools.plots import (
        picture,
        plot_age,
        plot_certificates,
        plot_cost,
        plot_cost_components,
        plot_cost_sensitivity,
        plot_diagnosis,
        plot_forecast,
        plot_freed,
        plot_grown,
        plot_growth,
        plot_retention_curve,
        plot_sharing,
    )
    from regtools.policies import Rule, read_in_use, read_policy
    from regtools.reference import classify_tag, parse_reference, parse_target
    from regtools.reports import report
    from regtools.session import check_auth, probe, scan
    from regtools.tables import table, tiles
    from regtools.walk import diagnose, keep_diagnoses

_HOMES = {
    "Growth": "analyses.growth",
    "History": "history",
    "Options": "access",
    "Reconciliation": "analyses.reconcile",
    "Retention": "analyses.retention",
    "Rule": "policies",
    "Scenario": "analyses.cost",
    "Thresholds": "analyses.health",
    "assumptions": "analyses.cost",
    "audit": "analyses.audit",
    "base_images": "actions",
    "baseline": "analyses.baseline",
    "bases": "analyses.sharing",
    "capabilities": "abilities",
    "certificates": "analyses.observations",
    "check_auth": "session",
    "checks": "analyses.observations",
    "checks_matrix": "lights",
    "classify_tag": "reference",
    "component_table": "analyses.cost",
    "conditions": "cleanup",
    "cost": "analyses.cost",
    "cost_findings": "findings",
    "deletion_steps": "cleanup",
    "diagnose": "walk",
    "diagnose_form": "diagnosing",
    "diagnosis_findings": "findings",
    "diagnosis_table": "lights",
    "egress_sensitivity": "analyses.cost",
    "explore_retention": "explorer",
    "first_deletions": "cleanup",
    "freed_by_repository": "cleanup",
    "growth": "analyses.growth",
    "growth_findings": "findings",
    "health": "analyses.health",
    "health_findings": "findings",
    "kept_reasons": "cleanup",
    "keep_diagnoses": "walk",
    "largest_layers": "actions",
    "lint_secret": "lint",
    "migrate_plan": "migrate",
    "migrate_verify": "migrate",
    "newest_diagnosis": "diagnosing",
    "open_findings": "actions",
    "open_history": "context",
    "oversized": "analyses.sharing",
    "parse_reference": "reference",
    "parse_target": "reference",
    "picture": "plots",
    "plan_table": "actions",
    "plot_age": "plots",
    "plot_certificates": "plots",
    "plot_cost": "plots",
    "plot_cost_components": "plots",
    "plot_cost_sensitivity": "plots",
    "plot_diagnosis": "plots",
    "plot_forecast": "plots",
    "plot_freed": "plots",
    "plot_grown": "plots",
    "plot_growth": "plots",
    "plot_retention_curve": "plots",
    "plot_sharing": "plots",
    "prices": "analyses.prices",
    "probe": "session",
    "problems": "analyses.observations",
    "provenance": "context",
    "read_in_use": "policies",
    "read_policy": "policies",
    "recompressed": "analyses.sharing",
    "reconcile": "analyses.reconcile",
    "repeated": "analyses.sharing",
    "report": "reports",
    "repository_actions": "actions",
    "retention": "analyses.retention",
    "retention_findings": "findings",
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
    "Reconciliation",
    "Retention",
    "Rule",
    "Scenario",
    "Thresholds",
    "assumptions",
    "audit",
    "base_images",
    "baseline",
    "bases",
    "capabilities",
    "certificates",
    "check_auth",
    "checks",
    "checks_matrix",
    "classify_tag",
    "component_table",
    "conditions",
    "cost",
    "cost_findings",
    "deletion_steps",
    "diagnose",
    "diagnose_form",
    "diagnosis_findings",
    "diagnosis_table",
    "egress_sensitivity",
    "explore_retention",
    "first_deletions",
    "freed_by_repository",
    "growth",
    "growth_findings",
    "health",
    "health_findings",
    "keep_diagnoses",
    "kept_reasons",
    "largest_layers",
    "lint_secret",
    "migrate_plan",
    "migrate_verify",
    "newest_diagnosis",
    "open_findings",
    "open_history",
    "oversized",
    "parse_reference",
    "parse_target",
    "picture",
    "plan_table",
    "plot_age",
    "plot_certificates",
    "plot_cost",
    "plot_cost_components",
    "plot_cost_sensitivity",
    "plot_diagnosis",
    "plot_forecast",
    "plot_freed",
    "plot_grown",
    "plot_growth",
    "plot_retention_curve",
    "plot_sharing",
    "prices",
    "probe",
    "problems",
    "provenance",
    "read_in_use",
    "read_policy",
    "recompressed",
    "reconcile",
    "repeated",
    "report",
    "repository_actions",
    "retention",
    "retention_findings",
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


def load_ipython_extension(shell: Any) -> None:
    """Add ``%regtools`` to a notebook; IPython calls this for ``%load_ext regtools``."""
    import_module("regtools.magics").register(shell)


def __dir__() -> list[str]:
    return __all__
