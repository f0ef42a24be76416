"""MLflow tracking server: who may do what on it, and what its own role may."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from cdktf import TerraformStack, TerraformVariable

from modules._core import Statement
from modules.mlflow_tracking_server import (
    MlflowTrackingServer,
    MlflowTrackingServerConfig,
    TrackingServer,
    actions,
    register_models,
    store_artifacts,
)
from tests.conftest import Synth
from tests.inventory import Inventory

SERVER = "aws_sagemaker_mlflow_tracking_server"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:mlflow-tracking-server/acme-dev-experiments"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CONFIG = MlflowTrackingServerConfig(
    name="acme-dev-experiments",
    role_arn="arn:aws:iam::111122223333:role/acme-dev-mlflow",
    artifact_store_uri="s3://acme-dev-artifacts/mlflow",
    account_id="111122223333",
    region="eu-west-1",
)


def allowed(statements: Iterable[Statement]) -> set[str]:
    return {action for statement in statements for action in statement.actions}


@pytest.fixture
def server(synth: Synth) -> MlflowTrackingServer:
    made: list[MlflowTrackingServer] = []
    synth(lambda stack: made.append(MlflowTrackingServer(stack, "experiments", CONFIG)))
    return made[0]


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    decided = TrackingServer(automatic_model_registration=True, weekly_maintenance_window_start="Tue:03:30")
    inventory("modules/mlflow_tracking_server", synth(MlflowTrackingServer, replace(CONFIG, server=decided)))


def test_it_is_small_and_registers_nothing_by_itself_by_default(synth: Synth) -> None:
    server = synth(MlflowTrackingServer, CONFIG).one(SERVER)
    assert server["tracking_server_size"] == "Small"
    assert server["automatic_model_registration"] is False
    assert "weekly_maintenance_window_start" not in server


def test_grants_name_each_action_and_this_server_only(server: MlflowTrackingServer) -> None:
    for grant in (server.read(), server.experiment(), server.curate()):
        assert {resource for statement in grant for resource in statement.resources} == {ARN}
        assert not any("*" in action for action in allowed(grant))


def test_who_reads_changes_nothing(server: MlflowTrackingServer) -> None:
    verbs = ("Get", "List", "Search", "Describe")
    assert all(action.split(":")[1].startswith(verbs) for action in allowed(server.read()))


def test_who_experiments_deletes_no_run_and_promotes_no_model(server: MlflowTrackingServer) -> None:
    names = {action.split(":")[1] for action in allowed(server.experiment())}
    assert {"CreateRun", "LogBatch", "LogOutputs", "FinalizeLoggedModel", "GetRun"} <= names
    assert not names & {"SetRegisteredModelAlias", "TransitionModelVersionStage"}
    assert {name for name in names if "Delete" in name} == {
        "DeleteLoggedModelTag",
        "DeleteTag",
        "DeleteTraceTag",
    }


def test_who_curates_may_do_all_that_mlflow_can(server: MlflowTrackingServer) -> None:
    assert {*actions.READ, *actions.EXPERIMENT, *actions.CURATE} < allowed(server.curate())


def test_every_action_is_granted_to_one_kind_of_user() -> None:
    every = (*actions.READ, *actions.EXPERIMENT, *actions.CURATE, *actions.OPEN)
    assert len(set(every)) == len(every) == 61


def test_the_web_pages_open_for_whom_the_url_is_made(server: MlflowTrackingServer) -> None:
    url, pages = server.presign()
    assert url.actions == ("sagemaker:CreatePresignedMlflowTrackingServerUrl",)
    assert url.resources == (ARN,)
    assert (pages.actions, pages.resources) == (("sagemaker-mlflow:AccessUI",), ("*",))


def test_the_server_reaches_its_own_artifacts_only() -> None:
    location, listing, objects, key = store_artifacts("s3://acme-dev-artifacts/mlflow/", KEY)
    bucket = "arn:aws:s3:::acme-dev-artifacts"
    assert location.resources == listing.resources == (bucket,)
    assert listing.conditions == {"StringLike": {"s3:prefix": "mlflow/*"}}
    assert objects.resources == (f"{bucket}/mlflow/*",)
    assert "s3:DeleteObject" not in objects.actions
    assert key.conditions == {"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"{bucket}*"}}


def test_a_store_without_a_prefix_is_the_bucket() -> None:
    _, _, objects, _ = store_artifacts("s3://acme-dev-artifacts", KEY, "aws-us-gov")
    assert objects.resources == ("arn:aws-us-gov:s3:::acme-dev-artifacts/*",)


def test_the_server_registers_models_of_its_prefix_and_approves_none() -> None:
    group, create, update = register_models("acme-dev-", "111122223333", "eu-west-1")
    home = "arn:aws:sagemaker:eu-west-1:111122223333"
    assert group.resources == (f"{home}:model-package-group/acme-dev-*",)
    assert update.resources == (f"{home}:model-package/acme-dev-*",)
    pending = {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}
    assert create.conditions == {"StringEqualsIfExists": pending}
    assert update.conditions == {
        "StringEqualsIfExists": {**pending, "sagemaker:ModelLifeCycle/stage": "staging"}
    }


def test_what_terraform_knows_later_passes(synth: Synth) -> None:
    def build(stack: TerraformStack) -> None:
        token = TerraformVariable(stack, "late", type="string").string_value
        decided = TrackingServer(mlflow_version=token, weekly_maintenance_window_start=token)
        late = replace(CONFIG, name=token, role_arn=token, artifact_store_uri=token, server=decided)
        MlflowTrackingServer(stack, "this", late)

    server = synth(build).one(SERVER)
    assert server["tracking_server_name"] == server["artifact_store_uri"] == "${var.late}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mlflow_version": "3.0.1"}, "mlflow_version: supply a value such as 3.0, got '3.0.1'"),
        (
            {"tracking_server_size": "small"},
            "tracking_server_size: supply one of Small, Medium, Large, got 'small'",
        ),
        (
            {"weekly_maintenance_window_start": "TUE:03:30"},
            "weekly_maintenance_window_start: supply a value such as Tue:03:30, got 'TUE:03:30'",
        ),
        (
            {"weekly_maintenance_window_start": "Tue:24:00"},
            "weekly_maintenance_window_start: supply a value such as Tue:03:30, got 'Tue:24:00'",
        ),
    ],
)
def test_decisions_that_sagemaker_refuses_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        TrackingServer(**change)  # type: ignore[arg-type]
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "my_server"}, "name: supply a value such as acme-dev-experiments, got 'my_server'"),
        ({"name": "s" * 257}, "name: supply at most 256 characters, got 257"),
        ({"role_arn": "mlflow"}, "role_arn: supply a value such as arn:aws:iam::"),
        (
            {"artifact_store_uri": "https://bucket/mlflow"},
            "artifact_store_uri: supply a value such as s3://bucket/mlflow, got 'https://bucket/mlflow'",
        ),
        (
            {"artifact_store_uri": "s3://b/" + "p" * 1024},
            "artifact_store_uri: supply at most 1024 characters",
        ),
    ],
)
def test_wiring_that_sagemaker_refuses_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        replace(CONFIG, **change)  # type: ignore[arg-type]
    assert message in str(refused.value)


def test_statements_are_not_made_of_what_terraform_knows_later() -> None:
    with pytest.raises(ValueError, match="artifact_store_uri: supply what is known before the plan"):
        store_artifacts("s3://${aws_s3_bucket.x.bucket}/mlflow", KEY)


@pytest.mark.parametrize("prefix", ["", "*", "acme_dev_"])
def test_models_of_any_name_are_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="name_prefix: supply a value such as acme-dev-, got"):
        register_models(prefix, "111122223333", "eu-west-1")
