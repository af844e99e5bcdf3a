"""Pages of Dataverse as files: each is durable before the row says where reading goes on."""

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.db import transaction
from django.db.models import Min, Sum

from bpp_portal.kernel.clock import database_now
from bpp_portal.kernel.hold import hold
from connections.dataverse import DataverseClient
from connections.errors import Busy, Rejected, Unavailable
from exports.models import DataverseLoad, DataverseTable
from exports.operations.leasing import write
from exports.rules.dataverse_tables import CHANGED, CREATED, LOOK_BACK, is_renamed, text_of, wire_name

# Dataverse counts a person's requests over so long.
WINDOW = timedelta(seconds=300)
MOST_RESTARTS = 3
# What Dataverse answers to a place that it does not know any more.
PLACE_LOST = ("rejected-400", "rejected-404", "rejected-410")


def read_page(client: DataverseClient, load: DataverseLoad, table: DataverseTable, since: datetime | None) -> None:
    """Read the next page of `table` into a file, then write the place down. A place that is lost: start again."""
    take_request(load)
    try:
        page = next(iter(_ask(client, table, since)))
    except Rejected as error:
        if not table.next_url or error.code not in PLACE_LOST or table.restarts >= MOST_RESTARTS:
            raise
        _start_again(load, table)
        return
    if page.next_url and page.next_url == table.next_url:
        raise Unavailable("Dataverse names the same page again.")
    _keep(table, page.rows)
    hold("page of dataverse")
    renamed = sum(1 for row in page.rows if is_renamed(row, load.since)) if load.since and table.key else 0
    with transaction.atomic():
        write(load, failures=0, trouble="")
        table.pages, table.rows = table.pages + 1, table.rows + len(page.rows)
        table.renamed, table.next_url, table.is_done = table.renamed + renamed, page.next_url, not page.next_url
        table.save(update_fields=["pages", "rows", "renamed", "next_url", "is_done"])


def _ask(client: DataverseClient, table: DataverseTable, since: datetime | None) -> Iterator[Any]:
    names = [wire_name(column, kind) for column, kind, _ in table.columns]
    names += [CREATED, CHANGED] if table.has_times else []
    where = f"{CHANGED} ge {since:%Y-%m-%dT%H:%M:%SZ}" if since and not table.key else ""
    return client.pages(
        table.table_set, names, where=where, page_size=settings.DATAVERSE_LOAD_PAGE, start=table.next_url
    )


def take_request(load: DataverseLoad) -> None:
    """Count one request. Busy when loads of this person have used their share: the rest is for their exports."""
    now = database_now()
    mine = DataverseLoad.objects.filter(
        environment=load.environment, requested_by=load.requested_by, window_since__gt=now - WINDOW
    )
    used = mine.aggregate(used=Sum("window_requests"))["used"] or 0
    if used >= settings.DATAVERSE_LOAD_REQUESTS:
        wait = (mine.aggregate(oldest=Min("window_since"))["oldest"] + WINDOW - now).total_seconds()
        raise Busy(max(1.0, wait), "The share of requests for loads is used up; exports go first.")
    if load.window_since is None or load.window_since <= now - WINDOW:
        write(load, window_since=now, window_requests=1)
    else:
        write(load, window_requests=load.window_requests + 1)


def _start_again(load: DataverseLoad, table: DataverseTable) -> None:
    """Drop what was read of a table: Dataverse does not know the place any more."""
    with transaction.atomic():
        said = f"Dataverse did not know the place in {table.table} any more, so it was read again from its start."
        write(load, said="\n".join(filter(None, (load.said, said))))
        table.pages = table.rows = table.renamed = 0
        table.next_url, table.restarts = "", table.restarts + 1
        table.save(update_fields=["pages", "rows", "renamed", "next_url", "restarts"])
    shutil.rmtree(table.folder, ignore_errors=True)


def _keep(table: DataverseTable, rows: list[dict[str, Any]]) -> None:
    """Write the texts of a page to its file, durable under its name; the same page again takes its place."""
    table.folder.mkdir(parents=True, exist_ok=True)
    target = _page_file(table, table.pages + 1)
    draft = target.with_suffix(".draft")
    with draft.open("wb") as file:
        pq.write_table(_texts(table, rows), file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(target)
    handle = os.open(table.folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _texts(table: DataverseTable, rows: list[dict[str, Any]]) -> pa.Table:
    arrays = [pa.array([text_of(row, name, kind) for row in rows], pa.string()) for name, kind, _ in table.columns]
    return pa.Table.from_arrays(arrays, names=[header for _, _, header in table.columns])


def _page_file(table: DataverseTable, number: int) -> Path:
    return table.folder / f"{number:08}.parquet"


def whole(table: DataverseTable) -> Path:
    """All pages of a table in one file."""
    target = table.folder / "whole.parquet"
    schema = pa.schema([(header, pa.string()) for _, _, header in table.columns])
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for number in range(1, table.pages + 1):
            writer.write_table(pq.read_table(_page_file(table, number)))
    return target


def names_of(table: DataverseTable, header: str) -> set[str]:
    """The texts of one column."""
    found: set[str] = set()
    for number in range(1, table.pages + 1):
        found.update(pq.read_table(_page_file(table, number), columns=[header]).column(0).to_pylist())
    return found


def looked_back(moment: datetime) -> datetime:
    """From when on changes are taken, when the rows were read at `moment`."""
    return moment - LOOK_BACK
