"""Whether a flow may run as its owner, and with the sign-in that is kept."""

from bpp_portal.kernel.roles import Right, has_right
from connections.models import Connection, Flow
from connections.rules.owners import Unfit, account_problem, owner_problem


def owner_unfit(flow: Flow) -> Unfit | None:
    """Why the flow can't run as its owner. A flow without an owner is another matter: None."""
    owner = flow.owner
    if owner is None:
        return None
    may_own = has_right(owner, Right.MANAGE_CONNECTIONS)
    return owner_problem(owner=str(owner), is_active=owner.is_active, may_own=may_own)


def account_unfit(connection: Connection) -> Unfit | None:
    """Why the connection is not its owner's own account. The portal's application is nobody's: None."""
    if connection.auth == Connection.Auth.APPLICATION:
        return None
    owner = connection.owner
    return account_problem(account=connection.account, user=str(owner), email=owner.email)
