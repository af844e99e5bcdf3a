"""Cubes in version 1 of the API: what the pages show, by the same queries and rights."""

from typing import Any

from django.db.models import Prefetch
from rest_framework import serializers, viewsets
from rest_framework.request import Request

from bpp_portal.kernel.roles import Right, require

from . import queries
from .models import Cube, CubeDimension, Snapshot, SnapshotTotal


class TotalSerializer(serializers.ModelSerializer[SnapshotTotal]):
    driver = serializers.CharField(source="driver.name")
    amount = serializers.DecimalField(max_digits=60, decimal_places=None)

    class Meta:
        model = SnapshotTotal
        fields = ["driver", "amount"]


class SnapshotSerializer(serializers.ModelSerializer[Snapshot]):
    totals = TotalSerializer(many=True)

    class Meta:
        model = Snapshot
        fields = ["number", "created_at", "rows", "sha256", "totals"]


class ColumnSerializer(serializers.Serializer[queries.ColumnInfo]):
    name = serializers.CharField(source="ref")
    data_type = serializers.CharField()
    is_key = serializers.BooleanField()


class DriverSerializer(serializers.Serializer[queries.DriverInfo]):
    name = serializers.CharField()
    precision = serializers.IntegerField()


class CubeSerializer(serializers.ModelSerializer[Cube]):
    dimensions = serializers.SerializerMethodField()
    snapshot = serializers.SerializerMethodField()

    class Meta:
        model = Cube
        fields = ["slug", "name", "status", "dimensions", "snapshot"]

    def get_dimensions(self, cube: Cube) -> list[str]:
        return [use.dimension.name for use in cube.cube_dimensions.all()]

    def get_snapshot(self, cube: Cube) -> int | None:
        """The number of the latest snapshot; null for who sees a part of the cube."""
        snapshot = queries.latest_snapshot(cube)
        whole = queries.visibility(user=self.context["request"].user, cube=cube).everything
        return snapshot.number if snapshot and whole else None


class CubeDetailSerializer(CubeSerializer):
    columns = serializers.SerializerMethodField()
    drivers = serializers.SerializerMethodField()
    latest_snapshot = serializers.SerializerMethodField()

    class Meta(CubeSerializer.Meta):
        fields = [*CubeSerializer.Meta.fields, "columns", "drivers", "latest_snapshot"]

    def get_columns(self, cube: Cube) -> list[dict[str, Any]]:
        return [dict(ColumnSerializer(column).data) for column in queries.columns_of(cube)]

    def get_drivers(self, cube: Cube) -> list[dict[str, Any]]:
        """Loaded drivers, then calculated ones."""
        return [dict(DriverSerializer(driver).data) for driver in queries.drivers_of(cube)]

    def get_latest_snapshot(self, cube: Cube) -> dict[str, Any] | None:
        """Rows and totals of what the caller sees; what tells of hidden rows is null for who sees a part."""
        snapshot = queries.latest_snapshot(cube)
        if snapshot is None:
            return None
        facts = queries.visible_facts(snapshot=snapshot, user=self.context["request"].user)
        if facts.whole:
            return dict(SnapshotSerializer(snapshot).data)
        totals = [{"driver": name, "amount": format(amount, "f")} for name, amount in facts.totals]
        hidden = {"number": None, "created_at": None, "sha256": None}
        return hidden | {"rows": facts.rows, "totals": totals}


class CubeViewSet(viewsets.ReadOnlyModelViewSet[Cube]):
    """Cubes that the caller may read; drafts for those who maintain cubes only."""

    lookup_field = "slug"
    queryset = Cube.objects.none()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        require(request.user, Right.READ_CUBES)

    def get_queryset(self) -> Any:
        uses = CubeDimension.objects.select_related("dimension")
        return queries.cubes_for(self.request.user).prefetch_related(Prefetch("cube_dimensions", uses))

    def get_serializer_class(self) -> type[CubeSerializer]:
        return CubeDetailSerializer if self.action == "retrieve" else CubeSerializer
