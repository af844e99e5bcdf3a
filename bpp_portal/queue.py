"""The doorbell: wakes the worker for a row that holds the truth."""

from django_q.models import OrmQ
from django_q.tasks import async_task


def ring(task: str, *args: int | str, seconds: int | None = None) -> None:
    """Wake the worker to run `task` (dotted path) with small plain arguments.

    The wake-up row is written in the caller's transaction. It may be lost, doubled or late: the task must claim its own
    row, and the sweeper rings again for what is due. `seconds`: how long it may take, where that is unusual.
    """
    longer = {} if seconds is None else {"timeout": seconds}
    async_task(task, *args, **longer, task_name=f"{task.rsplit('.', 1)[-1]} {' '.join(map(str, args))}".strip())


def forget(task: str) -> None:
    """Drop waiting wake-ups of `task`: a new cluster need not answer the canaries of the old one."""
    for row in OrmQ.objects.all():
        if row.func() == task:
            row.delete()
