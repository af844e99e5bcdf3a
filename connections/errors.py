"""What can go wrong beyond our border. The class decides about retrying, never the text.

`headline` is the documented text word for word, `cause` the sharper reason under it, `hint` the next step and who can
take it, `code` stable for help pages and tests.
"""

from bpp_portal.kernel.problems import Problem

NOT_REACHABLE = "Finance service not reachable"
NO_PERMISSION = "No permission to execute Finance operation"
NO_DEFINITIONS = "Unable to load Finance entity definitions"
DIMENSION_PARAMETERS_DENIED = "Access denied when reading dimension parameters"
VIRTUAL_ENTITIES_DENIED = "Unable to access virtual entities or integration group"


class Refused(Exception):
    """An operation was not done because of expected findings; nothing has changed."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(" ".join(problem.message for problem in problems))


class RemoteError(Exception):
    """Something on the other side, or on the way there, did not work."""

    headline = "The other side did not answer as expected"
    code = "remote"

    def __init__(self, cause: str = "", *, hint: str = "", code: str = "", headline: str = "") -> None:
        self.cause = cause
        self.hint = hint
        self.code = code or self.code
        self.headline = headline or self.headline
        super().__init__(f"{self.headline}: {cause}" if cause else self.headline)

    def problem(self, field: str = "") -> Problem:
        """The same as a finding beside `field`."""
        return Problem(self.code, self.headline, field, " ".join(filter(None, (self.cause, self.hint))))


class Permanent(RemoteError):
    """Trying again changes nothing; a person has to act."""

    code = "permanent"


class FinanceNotConfigured(Permanent):
    """The address of Finance is missing, malformed or not among the allowed hosts."""

    headline = NOT_REACHABLE
    code = "finance-not-configured"


class NotFinance(FinanceNotConfigured):
    """Something answers at the address of Finance, but it is not Finance."""

    code = "not-finance"


class CertificateRefused(Permanent):
    """The other side's certificate is not trusted; nothing was sent."""

    headline = NOT_REACHABLE
    code = "certificate-refused"


class NoPermission(Permanent):
    """Finance or Dataverse knows the person, or does not, and refuses."""

    headline = NO_PERMISSION
    code = "no-permission"


class EntityHidden(Permanent):
    """A virtual entity is not visible in Dataverse."""

    headline = NO_DEFINITIONS
    code = "entity-hidden"


class ConnectionMissing(Permanent):
    """A flow has no owner, no connection, or its owner's sign-in has lapsed."""

    headline = "The flow has no working connection"
    code = "connection-missing"


class FlowOff(ConnectionMissing):
    """The flow is turned off."""

    headline = "The flow is turned off"
    code = "flow-off"


class FormatMissing(Permanent):
    """Finance has no active budget register dimension format, so no line could name its account."""

    headline = "Finance has no active budget register dimension format"
    code = "format-missing"


class Rejected(Permanent):
    """Finance or Dataverse refused the request with a text of its own, which is the cause."""

    headline = "Finance refused the request"
    code = "rejected"


class AnswerTooLarge(Permanent):
    """The answer to a question is larger than anything the portal asks for; it was not read to its end."""

    code = "answer-too-large"


class Transient(RemoteError):
    """The request was not accepted, or may be repeated: trying again later may help.

    `retry_after`: seconds the other side asked us to wait, if it did.
    """

    code = "transient"

    def __init__(self, cause: str = "", *, retry_after: float | None = None, **rest: str) -> None:
        super().__init__(cause, **rest)
        self.retry_after = retry_after


class Unreachable(Transient):
    """No connection came about: the request never left."""

    headline = NOT_REACHABLE
    code = "unreachable"


class Unavailable(Transient):
    """A repeatable question was not answered: time-out, reset, server error, a web page instead of data."""

    headline = NOT_REACHABLE
    code = "unavailable"


class Busy(Transient):
    """The other side asked us to wait `retry_after` seconds (None: it did not say how long)."""

    headline = "Finance is busy"
    code = "busy"

    def __init__(self, retry_after: float | None = None, cause: str = "", **rest: str) -> None:
        super().__init__(cause, retry_after=retry_after, **rest)


class AddressExpired(Transient):
    """The storage does not take the write address any more: ask for a new one, then upload the same blob again.

    Blocks that arrived are kept, so the upload goes on where it stopped.
    """

    headline = "The upload address has expired"
    code = "upload-address-expired"


class InDoubt(RemoteError):
    """The request left and its answer was lost: it may or may not have been carried out. Never repeat it blindly."""

    headline = "The answer of Finance was lost"
    code = "in-doubt"
