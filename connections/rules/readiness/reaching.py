"""Preconditions about the way to Dataverse and Finance."""

from connections.errors import NO_DEFINITIONS, NOT_REACHABLE, ConnectionMissing
from connections.rules.flows import EXPORT_FLOW

from .names import flow_key
from .words import OPERATOR, Fix, Group, Precondition

VARIABLE = "msdyn_xpna_BPPAppFinOpsURI"

CONNECTION = (
    Precondition(
        "linked",
        Group.CONNECTION,
        "Environment linked to Finance",
        NO_DEFINITIONS,
        "Dataverse does not know the tables of Finance.",
        "Link the environment to Finance in the Power Platform admin center, through virtual tables or dual-write.",
        "An IT administrator with a system administrator in Dataverse.",
        Fix.ENVIRONMENTS,
        ("dataverse-user", "dataverse", "token-dataverse"),
    ),
    Precondition(
        "variable",
        Group.CONNECTION,
        f"BPP App FinOps URI ({VARIABLE})",
        NOT_REACHABLE,
        "The environment variable tells where Finance is.",
        "Set the root address of Finance, like https://contoso.operations.dynamics.com.",
        "You, with your own Dataverse connection, or a system administrator in Dataverse.",
        Fix.SET_VARIABLE,
        ("token-dataverse", "dataverse-user", "dataverse"),
    ),
    Precondition(
        "dataverse",
        Group.CONNECTION,
        "Dataverse reachable",
        NOT_REACHABLE,
        "The portal reads the environment variable and the virtual entities there.",
        "Check the Dataverse address of the environment, and that the portal's network lets it through.",
        "An IT administrator.",
        Fix.ENVIRONMENTS,
    ),
    Precondition(
        "finance",
        Group.CONNECTION,
        "Finance reachable",
        NOT_REACHABLE,
        "Nothing answers at the address of the environment variable.",
        f"Check {VARIABLE}, that Finance is running, and that the portal's network lets it through.",
        "An IT administrator.",
        Fix.ENVIRONMENTS,
        ("variable",),
    ),
    Precondition(
        "certificate",
        Group.CONNECTION,
        "Certificates trusted",
        NOT_REACHABLE,
        "Nothing is sent to a server that can't prove who it is.",
        "Check the address, or set REMOTE_CA_FILE to the authority that signed the certificate.",
        OPERATOR,
        waits_for=("dataverse",),
    ),
    Precondition(
        "clock",
        Group.CONNECTION,
        "Clock",
        "",
        "Tokens and upload addresses are good for a time only: with a wrong clock they are taken for expired.",
        "Let the portal's server take its time from a time server (NTP).",
        OPERATOR,
        waits_for=("dataverse", "certificate"),
    ),
    Precondition(
        "token-dataverse",
        Group.CONNECTION,
        "Sign-in of the flow owner, Dataverse",
        ConnectionMissing.headline,
        "The export flow runs with the sign-in that its owner left in the Dataverse connection.",
        "The flow owner signs in again on the Connections page.",
        "The flow owner.",
        Fix.CONNECTIONS,
        (flow_key("connected", EXPORT_FLOW), "certificate"),
    ),
    Precondition(
        "token-finance",
        Group.CONNECTION,
        "Sign-in of the flow owner, Finance",
        "Entra refused the portal's application",
        "The export flow takes its token for Finance from the same sign-in.",
        "Let the portal's application reach Dynamics 365 Finance in Entra ID, then check again.",
        "An administrator of the tenant.",
        Fix.REQUEST,
        ("token-dataverse", "variable", "finance", "certificate"),
    ),
)
