"""Background tasks of notices. Each may run twice, late, or never."""

from . import operations


def mail(notice_id: int) -> None:
    """Sends the mail of a notice."""
    operations.mail(notice_id=notice_id)
