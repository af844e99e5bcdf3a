"""The three flows as background tasks, with their documented names, and the load. Each may run twice, late or never."""

from exports.operations.from_dataverse import step as load_step
from exports.operations.stepping import step


def CountTotalCubeRows(run_id: int) -> None:
    """Counts the cube rows and freezes the lines."""
    step(run_id=run_id, flow="CountTotalCubeRows")


def BREExportFromDataverseToFnO(run_id: int) -> None:
    """Uploads the package and starts the import in Finance."""
    step(run_id=run_id, flow="BREExportFromDataverseToFnO")


def BREExportFnOStatusUpdate(run_id: int) -> None:
    """Asks Finance for the outcome and reads it back."""
    step(run_id=run_id, flow="BREExportFnOStatusUpdate")


def LoadFromDataverse(pk: int) -> None:
    """Reads the tables of a cube, page by page, and loads them."""
    load_step(pk=pk)
