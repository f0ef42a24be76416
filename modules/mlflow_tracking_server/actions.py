"""What callers do on an MLflow tracking server, as IAM names it, by who needs it.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerwithmlflow.html
"""

from __future__ import annotations


def _mlflow(names: str) -> tuple[str, ...]:
    return tuple(f"sagemaker-mlflow:{name}" for name in names.split())


READ = _mlflow("""
    GetDownloadURIForModelVersionArtifacts GetExperiment GetExperimentByName GetLatestModelVersions
    GetLoggedModel GetMetricHistory GetModelVersion GetModelVersionByAlias GetRegisteredModel GetRun
    GetTraceInfo ListArtifacts ListLoggedModelArtifacts SearchExperiments SearchLoggedModels
    SearchModelVersions SearchRegisteredModels SearchRuns SearchTraces
""")
"""Look at everything, and change nothing."""

EXPERIMENT = _mlflow("""
    CreateExperiment CreateModelVersion CreateRegisteredModel CreateRun DeleteLoggedModelTag DeleteTag
    DeleteTraceTag EndTrace FinalizeLoggedModel LogBatch LogInputs LogLoggedModelParams LogMetric LogModel
    LogOutputs LogParam SetExperimentTag SetLoggedModelTags SetModelVersionTag SetRegisteredModelTag SetTag
    SetTraceTag StartTrace UpdateExperiment UpdateModelVersion UpdateRegisteredModel UpdateRun
""")
"""Add experiments, runs, traces and models, describe and tag them."""

CURATE = _mlflow("""
    DeleteExperiment DeleteLoggedModel DeleteModelVersion DeleteModelVersionTag DeleteRegisteredModel
    DeleteRegisteredModelAlias DeleteRegisteredModelTag DeleteRun DeleteTraces RenameRegisteredModel
    RestoreExperiment RestoreRun SetRegisteredModelAlias TransitionModelVersionStage
""")
"""Delete and restore, rename models, and say which version is in which stage or has which alias."""

OPEN = _mlflow("AccessUI")
"""Open the web pages; acts on no one server, so that IAM takes only `*` for it."""
