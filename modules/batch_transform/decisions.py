"""What people decide about a transform job: value objects, as in an environment file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Literal

from .._core import at_least, at_most, matches, one_of, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from .._core.instance_types import transforms
from ..schedule import RetryPolicy, ScheduledStart

MOST_MEGABYTES = 100
"""Of one payload, and of all payloads that an instance is sent at the same time.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
"""
KEY = "[a-z0-9]+(-[a-z0-9]+)*"
LONGEST_KEY = 24
"""Characters of a schedule's name, which with the longest name of a batch transform is one of AWS's."""
NEW_DATA = "new-data"
"""Name of the rule on new data, which no schedule may have."""
SPLIT_TYPES = ("None", "Line", "RecordIO", "TFRecord")
PROCESSABLE = ("text/csv", "application/json", "application/jsonlines")
"""Content types of which SageMaker can tell one part from another.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""


@record
class DataProcessing:
    """Which part of a record the model gets, and which part of record and result is kept.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataProcessing.html
    """

    input_filter: str = "$"
    """JSONPath of what the model gets, such as `$[1:]` for a row without its first column."""
    join_source: Literal["None", "Input"] = "None"
    """`Input` puts each result beside the record that it belongs to."""
    output_filter: str = "$"
    """JSONPath of what is kept, such as `$[0,-1]` for the first column and the result."""

    def __post_init__(self) -> None:
        refuse(
            one_of("join_source", self.join_source, ("None", "Input")),
            *self._path("input_filter", self.input_filter, "$[1:]"),
            *self._path("output_filter", self.output_filter, "$[0,-1]"),
        )

    def _path(self, name: str, path: str, example: str) -> tuple[str | None, ...]:
        return (matches(name, path, r"\$.*", example), no_longer_than(name, path, 63))


@record
class ModelClient:
    """How SageMaker sends requests to the container.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelClientConfig.html
    """

    invocations_timeout_seconds: int = 600
    """Time for one request, 1 to 3600 s."""
    invocations_max_retries: int = 3
    """How often a request is sent again that failed, 0 to 3 times."""

    def __post_init__(self) -> None:
        refuse(
            at_least("invocations_timeout_seconds", self.invocations_timeout_seconds, 1),
            at_most("invocations_timeout_seconds", self.invocations_timeout_seconds, 3600),
            at_least("invocations_max_retries", self.invocations_max_retries, 0),
            at_most("invocations_max_retries", self.invocations_max_retries, 3),
        )


@record
class JobRetries:
    """What happens when there is no job, or none that ran, for no fault of data or model.

    A job that failed while it ran is not run again: it would most likely fail again, for the same money.
    """

    throttling_attempts: int = 6
    """How often a request is sent again that SageMaker refused, 0 to 20 times, after 5 s, then twice as long
    each time, 60 s at most. Step Functions has one name for throttling and for other refusals."""
    capacity_attempts: int = 3
    """How many more jobs are tried, 0 to 100, when AWS has no such instance, or the account's quota is used
    up."""
    capacity_interval_seconds: int = 900
    """Time before another job is tried, 60 to 86400 s."""

    def __post_init__(self) -> None:
        refuse(
            at_least("throttling_attempts", self.throttling_attempts, 0),
            at_most("throttling_attempts", self.throttling_attempts, 20),
            at_least("capacity_attempts", self.capacity_attempts, 0),
            at_most("capacity_attempts", self.capacity_attempts, 100),
            at_least("capacity_interval_seconds", self.capacity_interval_seconds, 60),
            at_most("capacity_interval_seconds", self.capacity_interval_seconds, 86400),
        )


@record
class NewData:
    """A job is started for every object that is written under the input's prefix, and for it alone.

    AWS may send an event twice: two jobs then give two results.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
    """

    retry: RetryPolicy = RetryPolicy()
    """What happens when the start fails."""


@record
class TransformJob:
    """A job, and when it is started.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
    """

    model: str
    """Which model: a key of `BatchTransformConfig.model_names`."""
    instance_type: str = "ml.m5.large"
    """Type of the instances, which are there only while the job runs."""
    instance_count: int = 1
    """How many instances share the objects of the input, 1 to 100; one object is never shared."""
    content_type: str = "text/csv"
    """MIME type of the input, at most 256 characters."""
    split_type: Literal["None", "Line", "RecordIO", "TFRecord"] = "Line"
    """What separates the records of an object; `None` sends whole objects."""
    compression_type: Literal["None", "Gzip"] = "None"
    """How the input is compressed."""
    batch_strategy: Literal["MultiRecord", "SingleRecord"] | None = "MultiRecord"
    """Whether a request has as many records as `max_payload_in_mb` takes, or one; `null` where nothing is
    split."""
    max_payload_in_mb: int = 6
    """Size of a request, 0 to 100 MB; 0 sends it in chunks, which few containers take."""
    max_concurrent_transforms: int | None = None
    """Requests that each instance gets at the same time; by default the container decides, or it is one."""
    accept: str = "text/csv"
    """MIME type of the results, at most 256 characters."""
    assemble_with: Literal["None", "Line"] = "Line"
    """What is put between the results of an object's requests."""
    data_processing: DataProcessing | None = None
    """Filters, and the join of results with their records; without it, results stand alone."""
    model_client: ModelClient = ModelClient()
    """How requests are sent."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the container beside the model's own, at most 16; nothing secret."""
    timeout_seconds: int = 86400
    """Time after which a job is stopped, 60 s to the year that an execution lasts at most."""
    retry: JobRetries = JobRetries()
    """What happens when there is no capacity."""
    schedules: Mapping[str, ScheduledStart] = field(default_factory=dict)
    """When a job is started, by a name such as `nightly`. The parameter `input_s3_uri` takes a part of the
    input instead of all."""
    new_data: NewData | None = None
    """Whether a job is started for every object that is written to the input."""

    def __post_init__(self) -> None:
        refuse(
            transforms("instance_type", self.instance_type),
            at_least("instance_count", self.instance_count, 1),
            at_most("instance_count", self.instance_count, 100),
            *self._mime_type("content_type", self.content_type),
            *self._mime_type("accept", self.accept),
            one_of("split_type", self.split_type, SPLIT_TYPES),
            one_of("compression_type", self.compression_type, ("None", "Gzip")),
            one_of("batch_strategy", self.batch_strategy, ("MultiRecord", "SingleRecord")),
            one_of("assemble_with", self.assemble_with, ("None", "Line")),
            when(
                self.batch_strategy is not None and self.split_type == "None",
                "batch_strategy: supply nothing, or a split_type other than None, "
                f"got {self.batch_strategy!r}",
            ),
            *self._payload(),
            *(self._processing() if self.data_processing else ()),
            *self._environment(),
            at_least("timeout_seconds", self.timeout_seconds, 60),
            at_most("timeout_seconds", self.timeout_seconds, 365 * 86400),
            *(problem for key in self.schedules for problem in self._badly_named(key)),
            *(
                when(
                    parameter != "input_s3_uri",
                    f"schedules.{key}.parameters: supply input_s3_uri or nothing, got {parameter!r}",
                )
                for key, start in self.schedules.items()
                for parameter in start.parameters
            ),
        )

    def _badly_named(self, key: str) -> tuple[str | None, ...]:
        return (
            matches("schedules: name", key, KEY, "nightly"),
            no_longer_than("schedules: name", key, LONGEST_KEY),
            when(key == NEW_DATA, f"schedules: name: supply another than {NEW_DATA}, which events have"),
        )

    def _mime_type(self, name: str, value: str) -> tuple[str | None, ...]:
        return (
            matches(name, value, r"[\w.+-]+/[\w.+-]+(;.*)?", "text/csv"),
            no_longer_than(name, value, 256),
        )

    def _payload(self) -> Iterator[str | None]:
        size, concurrent = self.max_payload_in_mb, self.max_concurrent_transforms
        yield at_least("max_payload_in_mb", size, 0)
        yield at_most("max_payload_in_mb", size, MOST_MEGABYTES)
        yield at_least("max_concurrent_transforms", concurrent, 1)
        if concurrent is not None and not unresolved(concurrent) and not unresolved(size):
            product = "max_payload_in_mb * max_concurrent_transforms"
            yield at_most(product, size * concurrent, MOST_MEGABYTES)

    def _processing(self) -> Iterator[str | None]:
        for name, value in (("content_type", self.content_type), ("accept", self.accept)):
            wrong = one_of(name, value.partition(";")[0], PROCESSABLE)
            yield f"{wrong}, with data_processing" if wrong else None

    def _environment(self) -> Iterator[str | None]:
        yield at_most("environment: number of variables", len(self.environment), 16)
        for key, value in self.environment.items():
            yield matches("environment: name", key, r"[a-zA-Z_][a-zA-Z0-9_]*", "LOG_LEVEL")
            yield no_longer_than("environment: name", key, 1024)
            yield no_longer_than(f"environment.{key}", value, 10240)
            yield when(
                value.startswith("{%"), f"environment.{key}: supply a text, got an expression: {value!r}"
            )
