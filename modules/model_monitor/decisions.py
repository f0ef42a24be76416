"""What people decide about a monitor: value objects, as in an environment file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Literal

from .._core import ByKind, at_least, at_most, distinct, matches, not_empty, one_of, record, refuse, when
from .._core.checks import no_longer_than
from .._core.instance_types import known, nvme, processes
from ..endpoint import ONLY_VARIANT
from ..schedule import ScheduledStart

EXPRESSION = r"cron\(0 (\*|(0?\d|1\d|2[0-3])(/(0?[1-9]|1\d|2[0-4]))?) \? \* \* \*\)"
"""Every hour, once a day, or every so many hours of a day: all that monitoring schedules take, in UTC.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-schedule-expression.html
"""
IMAGE = r"\d{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com/[a-z0-9][a-z0-9._/-]*([@:][\w.:-]+)?"
FOLDER = r"[a-zA-Z0-9][a-zA-Z0-9._-]*"
FEATURE = r"[a-zA-Z0-9_][a-zA-Z0-9_.-]*"
KEY = "[a-z0-9]+(-[a-z0-9]+)*"
LONGEST_KEY = 24
"""Characters of a schedule's name, which with the longest name of a monitor is one of AWS's."""
LONGEST_SILENCE_HOURS = 168
"""An alarm looks back for seven days at most.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""
MOST_SECONDS_OF_SCHEDULE = 3600
MOST_SECONDS_OF_DAY = 86400


@record
class Job:
    """What an analysis runs on: instances that are there only meanwhile."""

    image: str
    """AWS's image of the analysis in the region, such as
    `048819808253.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-model-monitor-analyzer`.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-pre-built-container.html
    """
    instance_type: str = "ml.m5.xlarge"
    """Type of the instances."""
    instance_count: int = 1
    """How many there are, 1 to 100."""
    volume_size_in_gb: int = 30
    """Size of each instance's volume, 1 to 512 GB."""
    max_runtime_seconds: int = 3600
    """Time after which a job is stopped, from 60 s: to 3600 s for data quality, a day for all others."""
    enable_network_isolation: bool = True
    """Whether the container can call nothing at all. What it reads and writes does not pass through it."""
    enable_inter_container_traffic_encryption: bool = True
    """Whether several instances encrypt what they tell one another."""

    def _problems(self, most_seconds: int) -> Iterator[str | None]:
        yield from _image("image", self.image)
        yield processes("instance_type", self.instance_type)
        yield at_least("instance_count", self.instance_count, 1)
        yield at_most("instance_count", self.instance_count, 100)
        yield at_least("volume_size_in_gb", self.volume_size_in_gb, 1)
        yield at_most("volume_size_in_gb", self.volume_size_in_gb, 512)
        yield at_least("max_runtime_seconds", self.max_runtime_seconds, 60)
        yield at_most("max_runtime_seconds", self.max_runtime_seconds, most_seconds)

    def volume_key(self, kms_key_arn: str) -> str | None:
        """Return the key of the volumes; instances that store on NVMe encrypt it with their own."""
        return None if nvme(self.instance_type) else kms_key_arn


@record
class EndpointCapture:
    """What a real-time endpoint captures is monitored.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
    """

    endpoint: str
    """Which endpoint: a key of `ModelMonitorConfig.endpoints`. It must capture data."""
    kind: Literal["Endpoint"] = "Endpoint"
    """Names this source in an environment file."""


@record
class BatchCapture:
    """What transform jobs capture is monitored.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-batch.html
    """

    s3_uri: str
    """Prefix to which the jobs capture, such as `s3://acme-prod-transforms/churn/captured`."""
    dataset_format: Literal["Csv", "Json", "JsonLines"] = "Csv"
    """Format of what is captured."""
    header: bool = False
    """Whether the first line of CSV has the names of the columns."""
    kind: Literal["Batch"] = "Batch"
    """Names this source in an environment file."""

    def __post_init__(self) -> None:
        refuse(
            matches("s3_uri", self.s3_uri, r"s3://[^/*]+(/[^*]*)?", "s3://acme-prod-transforms/captured"),
            no_longer_than("s3_uri", self.s3_uri, 512),
            one_of("dataset_format", self.dataset_format, ("Csv", "Json", "JsonLines")),
            when(
                self.header and self.dataset_format != "Csv",
                f"header: supply false for {self.dataset_format}, got true",
            ),
        )


Source = Annotated[EndpointCapture | BatchCapture, ByKind()]
"""Where captured data comes from; a union, told apart by `kind`."""


@record
class DataQuality(Job):
    """Captured data is compared with what the model was trained on, by a schedule of SageMaker's own.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-quality.html
    """

    source: Source
    """What is monitored."""
    baseline: str
    """Folder of `baselines/` with `constraints.json` and `statistics.json`, such as `v4`: a baselining job
    writes both."""
    kind: Literal["DataQuality"] = "DataQuality"
    """Names this monitor in an environment file."""
    schedule_expression: str = "cron(0 * ? * * *)"
    """Every hour (`cron(0 * ? * * *)`), at an hour of each day in UTC (`cron(0 4 ? * * *)`), or every so many
    hours (`cron(0 0/6 ? * * *)`). SageMaker takes up to 20 minutes more, and no other expression."""
    drift: Mapping[str, float] = field(default_factory=dict)
    """Distance from the baseline from which on a feature has drifted, above 0 to 1, by feature. CloudWatch
    has it where `emit_metrics` is `Enabled` in the constraints."""
    silence_hours: int | None = 48
    """Hours without any number of these features after which somebody is told, 1 to 168: nothing was
    captured, or no analysis succeeds."""

    def __post_init__(self) -> None:
        refuse(
            *self._problems(MOST_SECONDS_OF_SCHEDULE),
            matches("baseline", self.baseline, FOLDER, "v4"),
            matches("schedule_expression", self.schedule_expression, EXPRESSION, "cron(0 4 ? * * *)"),
            *_limits("drift", self.drift, FEATURE, "monthly_spend"),
            at_least("silence_hours", self.silence_hours, 1),
            at_most("silence_hours", self.silence_hours, LONGEST_SILENCE_HOURS),
        )


@record
class Daily(Job):
    """An analysis of a day's data, by a processing job: Terraform has no resource for it.

    https://github.com/hashicorp/terraform-provider-aws/issues/31378
    """

    schedules: Mapping[str, ScheduledStart]
    """When a day is analysed, by a name such as `daily`. The parameter `day` takes another, such as
    `2030/01/31`."""
    age_days: int = 1
    """How many days before its analysis the day is, 0 to 90: labels come late."""

    def _problems_of_day(self) -> Iterator[str | None]:
        yield from self._problems(MOST_SECONDS_OF_DAY)
        yield at_least("age_days", self.age_days, 0)
        yield at_most("age_days", self.age_days, 90)
        yield not_empty("schedules", self.schedules)
        for key, start in self.schedules.items():
            yield matches("schedules: name", key, KEY, "daily")
            yield no_longer_than("schedules: name", key, LONGEST_KEY)
            for name, value in start.parameters.items():
                place = f"schedules.{key}.parameters"
                yield when(name != "day", f"{place}: supply day or nothing, got {name!r}")
                yield matches(f"{place}.{name}", str(value), r"\d{4}/\d\d/\d\d", "2030/01/31")


@record
class ModelQuality(Daily):
    """Captured responses are compared with the truth, which is written as JSON lines to
    `ground-truth/<year>/<month>/<day>/`.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html
    """

    merger_image: str
    """AWS's image that finds the truth of each response: `sagemaker-model-monitor-groundtruth-merger`."""
    endpoint: str
    """Which endpoint: a key of `ScheduledMonitorConfig.endpoints`. It must capture data."""
    baseline: str
    """Folder of `baselines/` with `constraints.json`, such as `v4`."""
    problem_type: Literal["BinaryClassification", "MulticlassClassification", "Regression"]
    """What the model tells."""
    variant: str = ONLY_VARIANT
    """Whose responses."""
    inference_attribute: str | None = None
    """Where the answer is in a response: an index such as `0`, or a JSONPath."""
    probability_attribute: str | None = None
    """Where the probability is."""
    probability_threshold_attribute: float | None = None
    """Probability from which on the answer is yes, 0 to 1, for binary classification."""
    kind: Literal["ModelQuality"] = "ModelQuality"
    """Names this monitor in an environment file."""

    def __post_init__(self) -> None:
        legal = ("BinaryClassification", "MulticlassClassification", "Regression")
        binary = self.problem_type == "BinaryClassification"
        refuse(
            *self._problems_of_day(),
            *_image("merger_image", self.merger_image),
            matches("baseline", self.baseline, FOLDER, "v4"),
            one_of("problem_type", self.problem_type, legal),
            when(
                self.inference_attribute is None and self.probability_attribute is None,
                "inference_attribute, probability_attribute: supply at least one, got none",
            ),
            when(
                self.probability_attribute is not None and self.problem_type == "Regression",
                f"probability_attribute: supply none for Regression, got {self.probability_attribute!r}",
            ),
            when(
                self.probability_threshold_attribute is not None and not binary,
                f"probability_threshold_attribute: supply none for {self.problem_type}, "
                f"got {self.probability_threshold_attribute}",
            ),
            at_least("probability_threshold_attribute", self.probability_threshold_attribute, 0),
            at_most("probability_threshold_attribute", self.probability_threshold_attribute, 1),
        )


@record
class Bias(Daily):
    """A day's records, with labels and predictions, are searched for groups that are treated differently.

    The records are CSV without names of columns, in `records/<year>/<month>/<day>/`.
    https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-configure-analysis.html
    """

    headers: tuple[str, ...]
    """The columns, in order."""
    label: str
    """Column with the truth."""
    label_values: tuple[str | int, ...]
    """Values of it that are the good outcome."""
    predicted_label: str
    """Column with what the model told."""
    facet: str
    """Column that tells the groups apart, such as `gender`."""
    facet_values: tuple[str | int, ...]
    """Values of it that are the sensitive group; all others are the other one."""
    limits: Mapping[str, float]
    """Absolute value from which on a metric tells of bias, by its short name: `{DPPL: 0.1}`. With an infinite
    value, as when a group is missing, the execution fails."""
    kind: Literal["Bias"] = "Bias"
    """Names this monitor in an environment file."""

    def __post_init__(self) -> None:
        columns = {"label": self.label, "predicted_label": self.predicted_label, "facet": self.facet}
        refuse(
            *self._problems_of_day(),
            distinct("headers", self.headers),
            *(one_of(name, column, self.headers) for name, column in columns.items()),
            distinct("label, predicted_label, facet", columns.values()),
            not_empty("label_values", self.label_values),
            not_empty("facet_values", self.facet_values),
            not_empty("limits", self.limits),
            *(one_of("limits: metric", metric, (*PRE_TRAINING, *POST_TRAINING)) for metric in self.limits),
            *(at_least(f"limits.{metric}", limit, 0) for metric, limit in self.limits.items()),
        )


PRE_TRAINING = ("CI", "DPL", "JS", "KL", "KS", "LP", "TVD")
"""Metrics of what the records say; none of them needs a subgroup.

https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-measure-data-bias.html
"""
POST_TRAINING = ("AD", "DAR", "DCA", "DCR", "DPPL", "DRR", "GE", "RD", "SD", "TE")
"""Metrics of what the model tells, of which zero is fair: `DI` is a ratio, `FT` asks the model.

https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-measure-post-training-bias.html
"""


@record
class Explainability(Daily):
    """What the model goes by is compared with what it went by before: the ranks of its features.

    The records are the features alone, as CSV without names, in `records/<year>/<month>/<day>/`. SageMaker
    Clarify asks the model by an endpoint of its own, which is there only meanwhile.
    https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-model-monitor-feature-attribution-drift.html
    """

    model: str
    """Which model: a key of `ScheduledMonitorConfig.model_names`."""
    attributions: Mapping[str, float]
    """What each feature counted before, in the order of the columns: `global_shap_values` of an earlier
    `analysis.json`."""
    ndcg_limit: float = 0.9
    """Similarity of the ranks below which they have drifted, above 0 to 1: the normalized discounted
    cumulative gain."""
    num_samples: int | None = None
    """Samples for each record; by default Clarify decides by the number of features."""
    shadow_instance_type: str = "ml.m5.large"
    """Type of the instances of Clarify's own endpoint."""
    shadow_instance_count: int = 1
    """How many it has, 1 to 10."""
    enable_network_isolation: bool = False
    """No isolation: the container asks the model."""
    kind: Literal["Explainability"] = "Explainability"
    """Names this monitor in an environment file."""

    def __post_init__(self) -> None:
        refuse(
            *self._problems_of_day(),
            not_empty("attributions", self.attributions),
            when(
                self.attributions and not any(self.attributions.values()),
                "attributions: supply a feature that counts, got none",
            ),
            *(matches("attributions: feature", name, FEATURE, "monthly_spend") for name in self.attributions),
            at_least("ndcg_limit", self.ndcg_limit, 0.001),
            at_most("ndcg_limit", self.ndcg_limit, 1),
            at_least("num_samples", self.num_samples, 1),
            known("shadow_instance_type", self.shadow_instance_type),
            at_least("shadow_instance_count", self.shadow_instance_count, 1),
            at_most("shadow_instance_count", self.shadow_instance_count, 10),
            when(
                self.enable_network_isolation,
                "enable_network_isolation: supply false, since the container asks the model, got true",
            ),
        )


Scheduled = ModelQuality | Bias | Explainability
"""Every kind of monitor that a state machine runs."""
Monitor = Annotated[DataQuality | ModelQuality | Bias | Explainability, ByKind()]
"""Every kind of monitor; a union, told apart by `kind`."""


def _image(name: str, image: str) -> Iterator[str | None]:
    yield matches(
        name, image, IMAGE, "048819808253.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-model-monitor-analyzer"
    )
    yield no_longer_than(name, image, 255)


def _limits(name: str, limits: Mapping[str, float], pattern: str, example: str) -> Iterator[str | None]:
    for key, limit in limits.items():
        yield matches(f"{name}: name", key, pattern, example)
        yield at_least(f"{name}.{key}", limit, 0.001)
        yield at_most(f"{name}.{key}", limit, 1)
