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
        base_growth,
        base_images,
        choice_table,
        drift_table,
        largest_layers,
        limits_table,
        open_findings,
        plan_table,
        repository_actions,
        savings_table,
        sensitivity_table,
        source_table,
        threshold_table,
    )
    from regtools.analyses.ages import age_profile
    from regtools.analyses.audit import audit
    from regtools.analyses.baseline import baseline
    from regtools.analyses.between import Between, growth_between
    from regtools.analyses.bill import unit_months
    from regtools.analyses.churn import Churn, churn
    from regtools.analyses.comparison.answer import cost_answer
    from regtools.analyses.comparison.break_even import break_even, tipping_points
    from regtools.analyses.comparison.recommendation import bills_today, recommendation
    from regtools.analyses.comparison.sensitivity import cost_sensitivity
    from regtools.analyses.comparison.shrinking import cost_savings
    from regtools.analyses.cost import assumptions, component_table, cost, in_currency
    from regtools.analyses.drift import tag_drift
    from regtools.analyses.editions import editions
    from regtools.analyses.growth import Growth, growth
    from regtools.analyses.health import health
    from regtools.analyses.horizon import cost_over_time
    from regtools.analyses.observations import certificates, checks, problems
    from regtools.analyses.over_time import bytes_over_time, first_and_last
    from regtools.analyses.price_diff import price_diff
    from regtools.analyses.prices import prices
    from regtools.analyses.reconcile import Reconciliation, reconcile
    from regtools.analyses.retention import Retention, retention
    from regtools.analyses.scenario import Scenario
    from regtools.analyses.sharing import bases, oversized, recompressed, repeated, sharers
    from regtools.analyses.usage import usage
    from regtools.analyses.workload import typed_workload, workload
    from regtools.cleanup import (
        conditions,
        deletion_steps,
        first_deletions,
        freed_by_repository,
        kept_reasons,
    )
    from regtools.context import (
        open_history,
        open_prices,
        open_thresholds,
        period,
        provenance,
        selection,
    )
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
    from regtools.markup import tiles
    from regtools.migrate import migrate_plan, migrate_verify
    from regtools.plots import (
        picture,
        plot_age,
        plot_between,
        plot_break_even,
        plot_certificates,
        plot_churn,
        plot_cost,
        plot_cost_over_time,
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
    from regtools.refresh import refresh_prices
    from regtools.reports import report
    from regtools.session import check_auth, probe, scan
    from regtools.tables import table
    from regtools.thresholds import Thresholds
    from regtools.walk import diagnose, keep_diagnoses

_HOMES = {
    "Between": "analyses.between",
    "Churn": "analyses.churn",
    "Growth": "analyses.growth",
    "History": "history",
    "Options": "access",
    "Reconciliation": "analyses.reconcile",
    "Retention": "analyses.retention",
    "Rule": "policies",
    "Scenario": "analyses.scenario",
    "Thresholds": "thresholds",
    "age_profile": "analyses.ages",
    "assumptions": "analyses.cost",
    "audit": "analyses.audit",
    "base_growth": "actions",
    "base_images": "actions",
    "baseline": "analyses.baseline",
    "bases": "analyses.sharing",
    "bills_today": "analyses.comparison.recommendation",
    "break_even": "analyses.comparison.break_even",
    "bytes_over_time": "analyses.over_time",
    "capabilities": "abilities",
    "certificates": "analyses.observations",
    "check_auth": "session",
    "checks": "analyses.observations",
    "checks_matrix": "lights",
    "choice_table": "actions",
    "churn": "analyses.churn",
    "classify_tag": "reference",
    "component_table": "analyses.cost",
    "conditions": "cleanup",
    "cost": "analyses.cost",
    "cost_answer": "analyses.comparison.answer",
    "cost_findings": "findings",
    "cost_over_time": "analyses.horizon",
    "cost_savings": "analyses.comparison.shrinking",
    "cost_sensitivity": "analyses.comparison.sensitivity",
    "deletion_steps": "cleanup",
    "diagnose": "walk",
    "diagnose_form": "diagnosing",
    "diagnosis_findings": "findings",
    "diagnosis_table": "lights",
    "drift_table": "actions",
    "editions": "analyses.editions",
    "explore_retention": "explorer",
    "first_and_last": "analyses.over_time",
    "first_deletions": "cleanup",
    "freed_by_repository": "cleanup",
    "growth": "analyses.growth",
    "growth_between": "analyses.between",
    "growth_findings": "findings",
    "health": "analyses.health",
    "health_findings": "findings",
    "in_currency": "analyses.cost",
    "keep_diagnoses": "walk",
    "kept_reasons": "cleanup",
    "largest_layers": "actions",
    "limits_table": "actions",
    "lint_secret": "lint",
    "migrate_plan": "migrate",
    "migrate_verify": "migrate",
    "newest_diagnosis": "diagnosing",
    "open_findings": "actions",
    "open_history": "context",
    "open_prices": "context",
    "open_thresholds": "context",
    "oversized": "analyses.sharing",
    "parse_reference": "reference",
    "parse_target": "reference",
    "period": "context",
    "picture": "plots",
    "plan_table": "actions",
    "plot_age": "plots",
    "plot_between": "plots",
    "plot_break_even": "plots",
    "plot_certificates": "plots",
    "plot_churn": "plots",
    "plot_cost": "plots",
    "plot_cost_over_time": "plots",
    "plot_diagnosis": "plots",
    "plot_forecast": "plots",
    "plot_freed": "plots",
    "plot_grown": "plots",
    "plot_growth": "plots",
    "plot_retention_curve": "plots",
    "plot_sharing": "plots",
    "price_diff": "analyses.price_diff",
    "prices": "analyses.prices",
    "probe": "session",
    "problems": "analyses.observations",
    "provenance": "context",
    "read_in_use": "policies",
    "read_policy": "policies",
    "recommendation": "analyses.comparison.recommendation",
    "recompressed": "analyses.sharing",
    "reconcile": "analyses.reconcile",
    "refresh_prices": "refresh",
    "repeated": "analyses.sharing",
    "report": "reports",
    "repository_actions": "actions",
    "retention": "analyses.retention",
    "retention_findings": "findings",
    "savings_table": "actions",
    "scan": "session",
    "selection": "context",
    "sensitivity_table": "actions",
    "sharers": "analyses.sharing",
    "source_table": "actions",
    "table": "tables",
    "tag_drift": "analyses.drift",
    "threshold_table": "actions",
    "tiles": "markup",
    "tipping_points": "analyses.comparison.break_even",
    "typed_workload": "analyses.workload",
    "unit_months": "analyses.bill",
    "usage": "analyses.usage",
    "workload": "analyses.workload",
}

__all__ = [
    "Between",
    "Churn",
    "Growth",
    "History",
    "Options",
    "Reconciliation",
    "Retention",
    "Rule",
    "Scenario",
    "Thresholds",
    "age_profile",
    "assumptions",
    "audit",
    "base_growth",
    "base_images",
    "baseline",
    "bases",
    "bills_today",
    "break_even",
    "bytes_over_time",
    "capabilities",
    "certificates",
    "check_auth",
    "checks",
    "checks_matrix",
    "choice_table",
    "churn",
    "classify_tag",
    "component_table",
    "conditions",
    "cost",
    "cost_answer",
    "cost_findings",
    "cost_over_time",
    "cost_savings",
    "cost_sensitivity",
    "deletion_steps",
    "diagnose",
    "diagnose_form",
    "diagnosis_findings",
    "diagnosis_table",
    "drift_table",
    "editions",
    "explore_retention",
    "first_and_last",
    "first_deletions",
    "freed_by_repository",
    "growth",
    "growth_between",
    "growth_findings",
    "health",
    "health_findings",
    "in_currency",
    "keep_diagnoses",
    "kept_reasons",
    "largest_layers",
    "limits_table",
    "lint_secret",
    "migrate_plan",
    "migrate_verify",
    "newest_diagnosis",
    "open_findings",
    "open_history",
    "open_prices",
    "open_thresholds",
    "oversized",
    "parse_reference",
    "parse_target",
    "period",
    "picture",
    "plan_table",
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
    "price_diff",
    "prices",
    "probe",
    "problems",
    "provenance",
    "read_in_use",
    "read_policy",
    "recommendation",
    "recompressed",
    "reconcile",
    "refresh_prices",
    "repeated",
    "report",
    "repository_actions",
    "retention",
    "retention_findings",
    "savings_table",
    "scan",
    "selection",
    "sensitivity_table",
    "sharers",
    "source_table",
    "table",
    "tag_drift",
    "threshold_table",
    "tiles",
    "tipping_points",
    "typed_workload",
    "unit_months",
    "usage",
    "workload",
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
