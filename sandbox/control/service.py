"""The control side, for people and tests: what stands in Finance, what was asked, and how the sandbox behaves."""

from html import escape
from typing import Any

from starlette.responses import HTMLResponse, Response

from sandbox.control.call_names import call_names
from sandbox.entra.directory import application, authority
from sandbox.finance.sets import FINANCE_SETS
from sandbox.seed import fill, put_row
from sandbox.tenant import ENTRA
from sandbox.wire import Call, WireError, answer


def facts(call: Call) -> Response:
    world = call.world
    return answer(
        {
            "tenant_id": ENTRA["tenant_id"],
            "client_id": ENTRA["client_id"],
            "client_secret": application(world).secret,
            "authority": authority(world),
            "dataverse_url": world.dataverse_url,
            "finance_url": world.finance_url,
            "users": ENTRA["users"],
        }
    )


def faults(call: Call) -> Response:
    if call.method == "PUT":
        problems = call.world.faults.change(call.json(), call_names(call.world))
        if problems:
            raise WireError(400, {"problems": problems})
    return answer(call.world.faults.describe())


def requests(call: Call) -> Response:
    return answer(call.world.journal.read(call=call.query.get("call", "")))


def reset(call: Call) -> Response:
    """Seed anew and forget faults and requests; running imports end without effect."""
    fill(call.world.store, call.world.finance_url)
    call.world.faults.change({"reset": True})
    call.world.journal.clear()
    call.world.protection.clear()
    return answer({"reset": True})


def register_entries(call: Call) -> Response:
    return answer({"entries": entries(call, call.query.get("legalEntity", ""))})


def entries(call: Call, legal_entity: str) -> list[dict[str, Any]]:
    """Headers with their lines, oldest first; amounts as text, `CreatedBy` the Finance user."""
    where, values = ("WHERE LegalEntityId = ?", [legal_entity]) if legal_entity else ("", [])
    headers = call.world.store.rows(
        f"SELECT * FROM BudgetRegisterEntryHeaders {where} ORDER BY CreatedDateTime, EntryNumber", values
    )
    found = []
    for header in headers:
        lines = call.world.store.rows(
            "SELECT * FROM BudgetRegisterEntryLines WHERE LegalEntityId = ? AND EntryNumber = ? ORDER BY LineNumber",
            (header["LegalEntityId"], header["EntryNumber"]),
        )
        found.append(
            {
                **dict(header),
                "lines": [
                    {**dict(line), "LineNumber": str(line["LineNumber"]), "Date": line["EntryDate"]} for line in lines
                ],
            }
        )
    return found


def rows(call: Call) -> Response:
    entity_set = FINANCE_SETS.get(call.parts["set"])
    if entity_set is None:
        raise WireError(404, {"problem": f"There is no set {call.parts['set']}."})
    store = call.world.store
    if call.method == "PUT":
        put_row(store, entity_set, call.json())
    if call.method == "DELETE":
        asked = call.json()
        where = " AND ".join(f'"{name}" = ?' for name in asked if name in entity_set.fields)
        with store.transaction() as connection:
            connection.execute(f'DELETE FROM "{entity_set.name}" WHERE {where or "0"}', list(asked.values()))
    names = ", ".join(f'"{name}"' for name in entity_set.fields)
    return answer({"rows": [dict(row) for row in store.rows(f'SELECT {names} FROM "{entity_set.name}"')]})


def ledger(call: Call) -> Response:
    """The ledger for a person in the browser."""
    blocks = []
    for entry in reversed(entries(call, "")):
        head = (
            f"{entry['LegalEntityId']} {entry['EntryNumber']} · {entry['BudgetModelId']} · {entry['Status']} · "
            f"by {entry['CreatedBy']} · {len(entry['lines'])} lines · Expense {entry['ExpenseBudgetTotal']} · "
            f"Revenue {entry['RevenueBudgetTotal']}"
        )
        lines = "".join(
            f"<tr><td>{line['LineNumber']}</td><td>{line['Date'][:10]}</td>"
            f"<td><pre>{escape(line['DimensionDisplayValue'])}</pre></td>"
            f"<td>{line['AmountType']}</td><td>{line['CurrencyCode']}</td>"
            f"<td class=n>{line['TransactionCurrencyAmount']}</td><td>{escape(line['Comment'])}</td></tr>"
            for line in entry["lines"][:500]
        )
        blocks.append(
            f"<details><summary>{escape(head)}</summary><table><tr><th>Line<th>Date<th>Dimension values<th>Type"
            f"<th>Currency<th>Amount<th>Comment</tr>{lines}</table></details>"
        )
    counts = call.world.journal.read(limit=0)["counts"]
    asked = ", ".join(f"{escape(name)} {count}" for name, count in counts.items()) or "nothing yet"
    return HTMLResponse(PAGE.format(entries="".join(blocks) or "<p>No budget register entry yet.</p>", asked=asked))


PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sandbox ledger</title><style>
body{{font:14px/1.5 'Segoe UI',system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1b1f24}}
table{{border-collapse:collapse;width:100%}}td,th{{border-bottom:1px solid #dde1e6;padding:.2rem .5rem;text-align:left}}
pre{{margin:0}}.n{{text-align:right;font-variant-numeric:tabular-nums}}
summary{{cursor:pointer;padding:.4rem 0;font-weight:600}}
</style></head><body><h1>Budget register entries in the sandbox's Finance</h1>{entries}
<h2>What the sandbox was asked</h2><p>{asked}</p></body></html>"""
