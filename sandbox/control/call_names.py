"""The names that calls have in faults and in the journal, taken from what is served."""

from sandbox.data_management.actions import ACTIONS
from sandbox.dataverse.rows import MESSAGES
from sandbox.dataverse.service import OPERATION_NAMES
from sandbox.dataverse.sets import FIXED_TABLES, VIRTUAL_SETS
from sandbox.dataverse.table import from_json
from sandbox.finance.metadata_catalog import CATALOGUES
from sandbox.finance.sets import FINANCE_SETS
from sandbox.world import World

_CONNECTOR = ("enqueue", "jobstatus", "dequeue", "ack")
_BLOB = ("PutBlob", "PutBlock", "PutBlockList", "GetBlockList", "GetBlob", "DeleteBlob")
_ENTRA = ("discovery", "keys", "authorize", "token")
_DEFINITIONS = ("EntityDefinitions", "RelationshipDefinitions", "GlobalOptionSetDefinitions", "$metadata", "$batch")


def call_names(world: World) -> set[str]:
    """Every name that `gate.call_name` gives to an address that the sandbox serves now."""
    made = {from_json(row[0]).set_name for row in world.store.rows("SELECT definition FROM dv_tables")}
    fixed = {table.set_name for table in FIXED_TABLES.values()}
    served = {*ACTIONS, *OPERATION_NAMES, *MESSAGES, *FINANCE_SETS, *VIRTUAL_SETS, *CATALOGUES}
    return served | made | fixed | {*_CONNECTOR, *_BLOB, *_ENTRA, *_DEFINITIONS, "data"}
