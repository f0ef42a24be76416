"""Programs that Terraform runs beside the provider: no plan tells what they do."""

from __future__ import annotations

from policies.plan.model import Configured, Finding, Planned, failed, passed, rule


@rule("SW_PROGRAMS")
def nothing_runs_beside_the_provider(written: Configured, planned: Planned) -> Finding:
    """Deny provisioners, and data sources that are programs."""
    if written.type == "data.external":
        return failed("the data source runs a program")
    if written.provisioners:
        return failed(f"provisioner {' and '.join(dict.fromkeys(written.provisioners))} runs a program")
    return passed()
