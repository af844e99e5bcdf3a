"""From an error of the border to an observation: the class decides, never the text."""

from connections.errors import Busy, InDoubt, Permanent, RemoteError, Transient
from exports.rules.decide import Failure, Observation, Seen


def failure_of(error: RemoteError) -> Failure:
    """The words of an error: documented headline, sharper cause, next step, code."""
    return Failure(error.headline, error.cause, error.hint, error.code)


def before_start(error: RemoteError) -> Observation:
    """A step before the start call failed: nothing of this run stands in Finance."""
    if isinstance(error, Busy):
        return Observation(Seen.BUSY, failure_of(error), error.retry_after)
    if isinstance(error, Permanent):
        return Observation(Seen.PERMANENT, failure_of(error))
    return Observation(Seen.REFUSED, failure_of(error), _wait_of(error))


def of_start(error: RemoteError) -> Observation:
    """The start call itself failed. Only what certainly was not received may be sent again."""
    if isinstance(error, Busy):
        return Observation(Seen.BUSY, failure_of(error), error.retry_after)
    if isinstance(error, InDoubt):
        return Observation(Seen.DOUBT, failure_of(error))
    if isinstance(error, Permanent):
        return Observation(Seen.PERMANENT, failure_of(error))
    return Observation(Seen.REFUSED, failure_of(error), _wait_of(error))


def of_question(error: RemoteError) -> Observation:
    """A question could not be asked: nothing is known, so nothing changes but the time of the next question."""
    return Observation(Seen.CANNOT_ASK, failure_of(error), _wait_of(error))


def _wait_of(error: RemoteError) -> float | None:
    """The seconds that the other side asked us to wait, if it did."""
    return error.retry_after if isinstance(error, Transient) else None
