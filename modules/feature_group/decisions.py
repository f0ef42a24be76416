"""What people decide about a feature group: value objects, as they stand in an environment file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from .._core import ByKind, at_least, at_most, matches, not_empty, one_of, record, refuse, unresolved, when
from .._core.checks import no_longer_than, printable

NAME = r"[a-zA-Z0-9]([_-]*[a-zA-Z0-9])*"
"""What SageMaker allows as the name of a feature group or of a feature, of up to 64 characters."""
TABLE_NAME = r"[a-z_][a-z0-9_]*"
"""What Feature Store and Athena allow as the name of a table or a database."""
LONGEST_NAME = 64
LONGEST_TABLE_NAME = 252
MOST_FEATURES = 2500
MOST_CAPACITY_UNITS = 40_000
"""Of one feature group: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-quotas.html."""
LARGEST_VECTOR = 8192
RESERVED = ("api_invocation_time", "is_deleted", "write_time")
"""Columns that SageMaker adds to the offline store."""

FeatureType = Literal["String", "Integral", "Fractional"]
CollectionType = Literal["List", "Set", "Vector"]
TimeUnit = Literal["Seconds", "Minutes", "Hours", "Days", "Weeks"]


@record
class Feature:
    """One feature of a record.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_FeatureDefinition.html
    """

    type: FeatureType
    """`String`, `Integral` (64 bits, signed) or `Fractional` (double precision)."""
    collection: CollectionType | None = None
    """Many values instead of one; only in an online store of the type `InMemory`."""
    vector_dimension: int | None = None
    """Number of elements of a `Vector`, 1 to 8192."""

    def __post_init__(self) -> None:
        vector = self.collection == "Vector"
        refuse(
            one_of("type", self.type, ("String", "Integral", "Fractional")),
            one_of("collection", self.collection, ("List", "Set", "Vector")),
            when(
                vector and self.vector_dimension is None,
                "vector_dimension: supply the number of elements of the vector, got none",
            ),
            when(
                not vector and self.vector_dimension is not None,
                f"vector_dimension: supply one for a collection Vector only, got {self.vector_dimension}",
            ),
            at_least("vector_dimension", self.vector_dimension, 1),
            at_most("vector_dimension", self.vector_dimension, LARGEST_VECTOR),
            when(
                vector and self.type != "Fractional",
                f"type: supply Fractional, of which alone there are vectors, got {self.type}",
            ),
        )


@record
class TtlDuration:
    """For how long the online store keeps a record after its event time; then it is deleted for good.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TtlDuration.html
    """

    value: int
    unit: TimeUnit

    def __post_init__(self) -> None:
        refuse(
            at_least("value", self.value, 1),
            one_of("unit", self.unit, ("Seconds", "Minutes", "Hours", "Days", "Weeks")),
        )


@record
class OnlineStore:
    """The latest record of each identifier, for inference.

    https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-storage-configurations-online-store.html
    """

    storage_type: Literal["Standard", "InMemory"] = "Standard"
    """`InMemory` answers sooner, takes collections and is billed by its size; it cannot be changed later."""
    ttl_duration: TtlDuration | None = None
    """Without it, records stay. It can be set and changed later, but not taken away again."""

    def __post_init__(self) -> None:
        refuse(one_of("storage_type", self.storage_type, ("Standard", "InMemory")))


@record
class NewTable:
    """SageMaker makes the table, named after the group, and adds a column for each feature that is added."""

    kind: Literal["New"] = "New"
    """Names this kind of table in an environment file."""


@record
class ExistingTable:
    """A table that you made, and that you keep in step with the features; SageMaker only names it."""

    database_name: str
    """Glue database of the table, in the catalog `AwsDataCatalog`."""
    table_name: str
    kind: Literal["Existing"] = "Existing"
    """Names this kind of table in an environment file."""

    def __post_init__(self) -> None:
        refuse(
            matches("database_name", self.database_name, TABLE_NAME, "acme_prod_features"),
            no_longer_than("database_name", self.database_name, 255),
            matches("table_name", self.table_name, TABLE_NAME, "acme_prod_customers_v1"),
            no_longer_than("table_name", self.table_name, LONGEST_TABLE_NAME),
        )


@record
class OfflineStore:
    """All records ever put, as Parquet in S3, for training and batch inference; it outlives the group.

    https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-storage-configurations-offline-store.html
    """

    table_format: Literal["Glue", "Iceberg"] = "Glue"
    """`Iceberg` can be compacted, which makes queries on many small files faster."""
    glue_table: Annotated[NewTable | ExistingTable, ByKind()] = NewTable()
    """The table by which Athena reads the store."""

    def __post_init__(self) -> None:
        refuse(
            one_of("table_format", self.table_format, ("Glue", "Iceberg")),
            when(
                self.table_format == "Iceberg" and isinstance(self.glue_table, ExistingTable),
                "glue_table: supply a new table with table_format Iceberg, got an existing one",
            ),
        )


@record
class OnDemand:
    """You pay for what is read and written."""

    kind: Literal["OnDemand"] = "OnDemand"
    """Names this throughput mode in an environment file."""


@record
class Provisioned:
    """You pay for what may be read and written; more is throttled.

    https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-throughput-mode.html
    """

    write_capacity_units: int
    """Kilobytes that may be written in a second, 1 to 40000."""
    read_capacity_units: int = 0
    """Units of 4 KB that may be read in a second, 1 to 40000; 0 where there is no online store."""
    kind: Literal["Provisioned"] = "Provisioned"
    """Names this throughput mode in an environment file."""

    def __post_init__(self) -> None:
        refuse(
            at_least("write_capacity_units", self.write_capacity_units, 1),
            at_most("write_capacity_units", self.write_capacity_units, MOST_CAPACITY_UNITS),
            at_least("read_capacity_units", self.read_capacity_units, 0),
            at_most("read_capacity_units", self.read_capacity_units, MOST_CAPACITY_UNITS),
        )


Throughput = Annotated[OnDemand | Provisioned, ByKind()]
"""Every throughput mode; a union, told apart by `kind`."""


@record
class FeatureGroupDefinition:
    """What a feature group is: its features, which of them identify a record, and where records are kept.

    Features can be added. For any other change of them, make a new version of the group.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateFeatureGroup.html
    """

    features: Mapping[str, Feature]
    """The features by name, at most 2500; the table's columns have the same order."""
    record_identifier: str
    """The feature that tells whose record it is."""
    event_time: str
    """The feature that tells when the record came to be: Unix time in seconds (`Fractional`), or UTC in
    ISO 8601 such as `2024-05-01T12:00:00Z` (`String`)."""
    online_store: OnlineStore | None = None
    """Answers inference; supply it or `offline_store` or both."""
    offline_store: OfflineStore | None = None
    """Keeps the history for training."""
    throughput: Throughput = OnDemand()
    """How reading and writing are paid."""
    description: str | None = None
    """What the records are, at most 128 characters. AWS keeps that of the creation."""

    def __post_init__(self) -> None:
        refuse(
            not_empty("features", self.features),
            at_most("features: number of features", len(self.features), MOST_FEATURES),
            *(matches("features: name", name, NAME, "days_since_login") for name in self.features),
            *(no_longer_than("features: name", name, LONGEST_NAME) for name in self.features),
            *(
                when(name in RESERVED, f"features: supply another name than SageMaker's own {name}")
                for name in self.features
            ),
            *self._keys(),
            *self._collections(),
            when(
                self.online_store is None and self.offline_store is None,
                "online_store, offline_store: supply at least one of them, got none",
            ),
            *self._capacity(),
            no_longer_than("description", self.description, 128),
            printable("description", self.description),
        )

    def _keys(self) -> Iterator[str | None]:
        yield when(
            self.record_identifier == self.event_time,
            f"event_time: supply another feature than record_identifier, got {self.event_time!r} for both",
        )
        for field, name in (("record_identifier", self.record_identifier), ("event_time", self.event_time)):
            if unresolved(name):
                continue
            feature = self.features.get(name)
            yield when(feature is None, f"{field}: supply the name of a feature, got {name!r}")
            yield when(
                feature and feature.collection,
                f"{field}: supply a feature that is no collection, got {name!r}",
            )
            yield when(
                feature and field == "event_time" and feature.type == "Integral",
                f"event_time: supply a feature of the type String or Fractional, got {name!r}, "
                "which is Integral",
            )

    def _collections(self) -> Iterator[str | None]:
        in_memory = self.online_store is not None and self.online_store.storage_type == "InMemory"
        collections = [name for name, feature in self.features.items() if feature.collection]
        vectors = [name for name, feature in self.features.items() if feature.collection == "Vector"]
        yield when(
            collections and not in_memory,
            "online_store: supply storage_type InMemory, which alone takes collections, or none of "
            f"{', '.join(collections)}",
        )
        yield when(len(vectors) > 1, f"features: supply at most one Vector, got {', '.join(vectors)}")

    def _capacity(self) -> Iterator[str | None]:
        throughput, online = self.throughput, self.online_store
        if isinstance(throughput, OnDemand):
            return
        read = throughput.read_capacity_units
        yield when(
            online and online.storage_type == "InMemory",
            "throughput: supply OnDemand with storage_type InMemory, got Provisioned",
        )
        yield (
            at_least("throughput: read_capacity_units", read, 1)
            if online
            else when(
                not unresolved(read) and read,
                f"throughput: read_capacity_units: supply none without an online store, got {read}",
            )
        )
