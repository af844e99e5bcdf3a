"""What is left to do by hand where Finance was linked only after the installation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LinkStep:
    """One step in its order; `place` says where it is done: environment, flows, variable, entities."""

    place: str
    title: str
    text: str
    done: bool


def link_steps(*, linked: bool, has_variable: bool, value: str, hidden: int) -> tuple[LinkStep, ...]:
    """The manual configuration; empty when nothing of it is left. `hidden` counts virtual entities that are not shown.

    An installation into a linked environment sets the variable by itself; in one that is linked later nobody does.
    """
    steps = (
        LinkStep(
            "environment",
            "Link Dataverse to Dynamics 365 Finance",
            "Through virtual tables or dual-write, in the Power Platform admin center; then say here which of the two.",
            linked,
        ),
        LinkStep(
            "flows",
            "Install the flows",
            "That creates the environment variable BPP App FinOps URI (msdyn_xpna_BPPAppFinOpsURI).",
            has_variable,
        ),
        LinkStep(
            "variable",
            "Set the current value of BPP App FinOps URI",
            "Here, or in Power Apps: Default solution, Environment variables, Current value. It is the address of "
            "Finance, like https://contoso.operations.dynamics.com.",
            bool(value.strip()),
        ),
        LinkStep(
            "entities",
            "Make the virtual entities visible",
            "Business performance planning reads ledgers, budget models and dimension parameters through them.",
            has_variable and not hidden,
        ),
    )
    return () if all(step.done for step in steps) else steps
