"""What a review of a draft says beside its parts: what an export of it would miss."""

from .shape import CubeShape, DataType


def missing_for_export(shape: CubeShape, *, classic: bool, loaded: bool) -> list[str]:
    """Why the cube could not be exported once it is published, as sentences with their next step."""
    if classic:
        return ["A classic cube has no export. Import its definition as a cube of Cubes (preview) to export it."]
    found = []
    columns = [column for dimension in shape.dimensions for column in dimension.columns]
    if not any(column.data_type is DataType.DATE for column in columns):
        found.append(
            "No column of a dimension is of type Date, which an export needs. "
            "Published definitions are protected: add one before you publish."
        )
    if not loaded:
        found.append("There is no data yet. An export needs a load first; it can follow the publishing.")
    return found
