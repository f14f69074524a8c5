"""The sentences at the head of each report, made from the analyses' frames."""

from regtools.findings._box import Finding, Findings, KeyNumber
from regtools.findings.cost import cost_findings
from regtools.findings.diagnosis import diagnosis_findings
from regtools.findings.growth import growth_findings
from regtools.findings.health import health_findings
from regtools.findings.retention import retention_findings

__all__ = [
    "Finding",
    "Findings",
    "KeyNumber",
    "cost_findings",
    "diagnosis_findings",
    "growth_findings",
    "health_findings",
    "retention_findings",
]
