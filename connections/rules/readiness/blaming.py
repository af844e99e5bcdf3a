"""Which precondition an error of the border speaks of: its class decides, and its code where one class has several."""

from connections.errors import (
    Busy,
    CertificateRefused,
    ConnectionMissing,
    EntityHidden,
    FinanceNotConfigured,
    NoPermission,
    NotFinance,
    RemoteError,
    Transient,
)

from .verdict import Blame, Finding
from .words import State

_CODES = {"finance-user-unknown": "owner-user", "role-missing": "owner-role", "duty-missing": "owner-duty"}


def blame(error: RemoteError, *, key: str, side: str) -> Blame:
    """Whom to blame when the question for `key` was refused; `side` (dataverse, finance, entra) was asked."""
    state = State.WARNING if isinstance(error, Busy) else State.FAILS
    finding = Finding(state, error.cause or error.headline, error.hint)
    if side == "entra":
        certain = isinstance(error, CertificateRefused)
        return Blame("certificate" if certain else key, finding, certain)
    if isinstance(error, CertificateRefused):
        return Blame("certificate", finding, certain=True)
    if isinstance(error, NotFinance):
        return Blame("finance", finding, certain=True)
    if isinstance(error, FinanceNotConfigured):
        return Blame("variable" if side == "finance" or key == "variable" else "dataverse", finding, certain=True)
    if isinstance(error, Transient):
        return Blame(side, finding, certain=True)
    if isinstance(error, ConnectionMissing):
        return Blame("token-dataverse", finding, certain=True)
    if isinstance(error, NoPermission):
        return Blame(_CODES.get(error.code, "dataverse-user" if side == "dataverse" else key), finding)
    if isinstance(error, EntityHidden):
        return Blame("linked", Finding(State.FAILS, error.cause))
    return Blame(key, finding)
