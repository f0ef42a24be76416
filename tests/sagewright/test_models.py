"""Models: an approved version goes into the environment file, and nothing else in it moves."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from rich.console import Console

from policies.plan.model import Unanswered
from sagewright import registry
from sagewright.environment import read
from sagewright.errors import SagewrightError, Usage
from sagewright.models import Pin, prepare, show, write
from sagewright.target import Target
from sagewright.verify import Aws
from tests.sagewright.local.conftest import REGION, Account, Server, serving

IMAGE = f"222233334444.dkr.ecr.{REGION}.amazonaws.com/churn@sha256:{'a' * 64}"
HEAD = """# Decisions.
organization: acme
account_id: "{account}"
region: {region}
production: true
protected: true
state: {{bucket: states}} # theirs
retention: null
limit: 10_000

models:
  first:
    kind: Container
"""
MODEL = """  churn: # the best that we have
    kind: ModelPackage
    model_package_arn: {group}/1 # since spring
    environment: {{A: b}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The embedded AWS in this process."""
    with serving() as running:
        yield running


@pytest.fixture
def account(server: Server, request: pytest.FixtureRequest) -> Account:
    """An account with a group of three versions: two approved, and one that waits."""
    account = Account(server, f"{zlib.crc32(request.node.nodeid.encode()):012d}")
    account.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    bucket = account.bucket()
    for number in range(1, 4):
        account.client("s3").put_object(Bucket=bucket, Key=f"{number}.tar.gz", Body=b"")
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/{number}.tar.gz"}
        account.sagemaker.create_model_package(
            ModelPackageGroupName="churn",
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            CustomerMetadataProperties={"auc": f"0.9{number}"},
        )
    for number in (1, 2):
        decide(account, number, "Approved", "fair and better")
    return account


def decide(account: Account, number: int, status: str, reason: str = "") -> None:
    account.sagemaker.update_model_package(
        ModelPackageArn=f"{group(account)}/{number}", ModelApprovalStatus=status, ApprovalDescription=reason
    )


def group(account: Account, name: str = "churn") -> str:
    return f"arn:aws:sagemaker:{REGION}:{account.id}:model-package/{name}"


@pytest.fixture
def path(tmp_path: Path, account: Account) -> Path:
    """The environment file of that account, with a model that is pinned to the first version."""
    text = HEAD.format(account=account.id, region=REGION) + MODEL.format(group=group(account))
    path = tmp_path / "environments" / "prod.yaml"
    path.parent.mkdir()
    path.write_text(text)
    return path


def target(account: Account, path: Path) -> Target:
    variables = {
        "AWS_ENDPOINT_URL": account.server.url,
        "AWS_ACCESS_KEY_ID": account.id,
        "AWS_SECRET_ACCESS_KEY": "embedded",
    }
    return Target(environment=read(path.stem, path.parent), variables=variables, running=None)


def pin(account: Account, path: Path, wanted: str | None = None, model: str = "churn") -> Pin:
    """Pin a model."""
    there = target(account, path)
    made = prepare(there, model, wanted)
    if made.changed:
        write(made, there.environment)
    return made


def said(made: Pin, written: bool) -> str:
    """Return what a person reads."""
    text = io.StringIO()
    show(made, written, Console(file=text, width=200))
    return text.getvalue()


def test_the_newest_approved_version_is_pinned_and_nothing_else_in_the_file_moves(
    account: Account, path: Path
) -> None:
    before = path.read_text()
    made = pin(account, path)
    assert made.version.arn == f"{group(account)}/2"
    assert path.read_text() == before.replace(
        f"{group(account)}/1 # since spring\n",
        f"{group(account)}/2 # since spring\n"
        f'    images: ["{IMAGE}"]\n'
        f'    model_data_urls: ["s3://data-{account.id}/2.tar.gz"]\n',
    )
    assert made.difference[0] == f"-    model_package_arn: {group(account)}/1 # since spring"
    shown = said(made, written=True)
    assert "environments/prod.yaml: churn is pinned" in shown
    assert f"+    model_package_arn: {group(account)}/2 # since spring" in shown
    assert "Approved on 20" in shown and ": fair and better" in shown
    assert "auc  0.92" in shown
    assert "churn would be pinned" in said(made, written=False)


def test_what_is_pinned_already_is_left_alone(account: Account, path: Path) -> None:
    pin(account, path)
    before = path.read_text()
    again = pin(account, path)
    assert (again.changed, again.before, path.read_text()) == (False, again.version.arn, before)
    assert f"churn is already pinned to {group(account)}/2" in said(again, written=False)
    assert json.loads(json.dumps(again.to_dict()))["version"]["approval"] == "Approved"


@pytest.mark.parametrize("by", ["number", "arn"])
def test_a_version_can_be_named(account: Account, path: Path, by: str) -> None:
    pin(account, path)
    pin(account, path, "1" if by == "number" else f"{group(account)}/1")
    churn = yaml.safe_load(path.read_text())["models"]["churn"]
    assert churn["model_package_arn"] == f"{group(account)}/1"
    assert churn["model_data_urls"] == [f"s3://data-{account.id}/1.tar.gz"]


def test_a_later_version_that_is_rejected_gives_way_to_the_one_before(account: Account, path: Path) -> None:
    pin(account, path)
    decide(account, 2, "Rejected")
    assert pin(account, path).version.arn == f"{group(account)}/1"


@pytest.mark.parametrize(
    ("model", "pinned"),
    [
        (
            "churn: {kind: ModelPackage, model_package_arn: '«»/1'} # k\n",
            "churn: {kind: ModelPackage, model_package_arn: '«»/2', images: [«i»], model_data_urls: [«u»]} "
            "# k\n",
        ),
        (
            'churn:\n      model_package_arn: "«»/1"\n      images: [x/y:1] # one\n'
            "      model_data_urls:\n      - s3://a/b\n      - s3://a/c # last\n      kind: ModelPackage",
            'churn:\n      model_package_arn: "«»/2"\n      images: [«i»] # one\n'
            "      model_data_urls:\n      - «p» # last\n      kind: ModelPackage",
        ),
        (
            "churn:\n      kind: ModelPackage\n      model_package_arn: «»/1",
            "churn:\n      kind: ModelPackage\n      model_package_arn: «»/2\n"
            "      images: [«i»]\n      model_data_urls: [«u»]",
        ),
        (
            'churn:\n      kind: ModelPackage\n      images: ["«I»"]\n      model_data_urls: 5\n'
            "      model_package_arn: «»/2\n",
            'churn:\n      kind: ModelPackage\n      images: ["«I»"]\n      model_data_urls: [«u»]\n'
            "      model_package_arn: «»/2\n",
        ),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_model_is_changed_as_it_is_written(
    account: Account, path: Path, model: str, pinned: str, newline: str
) -> None:
    url = f"s3://data-{account.id}/2.tar.gz"
    filling = {"«»": group(account), "«i»": f'"{IMAGE}"', "«I»": IMAGE, "«u»": f'"{url}"', "«p»": url}
    for mark, value in filling.items():
        model, pinned = model.replace(mark, value), pinned.replace(mark, value)
    head = HEAD.format(account=account.id, region=REGION)
    path.write_bytes(f"{head}  {model}".replace("\n", newline).encode())
    pin(account, path)
    assert path.read_bytes() == f"{head}  {pinned}".replace("\n", newline).encode()


@pytest.mark.parametrize(
    "model",
    [
        "churn: &other\n    kind: ModelPackage\n    model_package_arn: «»/1\n  more: *other\n",
        "churn:\n    <<: {kind: ModelPackage, model_package_arn: «»/1}\n",
        "churn:\n    kind: ModelPackage\n    model_package_arn: >-\n      «»/1\n    images: []\n",
        "churn:\n    kind: ModelPackage\n    model_package_arn: «»/1\n    images:\n",
    ],
)
def test_a_model_that_cannot_be_changed_alone_is_left_to_a_person(
    account: Account, path: Path, model: str
) -> None:
    text = HEAD.format(account=account.id, region=REGION) + "  " + model.replace("«»", group(account))
    path.write_text(text)
    with pytest.raises(Usage, match=r"models\.churn: supply a mapping without anchors") as refused:
        pin(account, path)
    assert f'"model_package_arn": "{group(account)}/2"' in str(refused.value)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("model", "wanted", "problem"),
    [
        ("upsell", None, r"models: supply one of the models \(first, churn\), got 'upsell'"),
        ("first", None, r"models\.first: supply a model of kind ModelPackage, got Container"),
        ("churn", "3", r"/3: supply a version that is Approved, got PendingManualApproval"),
        ("churn", "latest", r"--version: supply the number or the ARN of a version, such as 7, got 'latest'"),
        ("churn", "0", r"--version: supply the number or the ARN of a version, such as 7, got '0'"),
        ("churn", "«»-other/1", r"--version: supply a version of arn:\S+/churn, got arn:\S+/churn-other/1"),
        ("churn", "arn:aws:sagemaker:eu-west-3:111122223333:model-package/churn/1", "supply a version of"),
    ],
)
def test_a_wrong_choice_is_refused_and_writes_nothing(
    account: Account, path: Path, model: str, wanted: str | None, problem: str
) -> None:
    before = path.read_text()
    with pytest.raises(Usage, match=problem):
        pin(account, path, wanted and wanted.replace("«»", group(account)), model)
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("arn", "problem"),
    [
        ("churn/1", r"models\.churn\.model_package_arn: supply a version such as arn:\S+, whose group is"),
        ("null", r"model_package_arn: supply a version such as .* got None"),
        (
            "arn:aws:sagemaker:eu-west-3:111122223333:model-package/churn/1",
            f"model_package_arn: supply a version in {REGION}, got 'arn:aws:sagemaker:eu-west-3",
        ),
    ],
)
def test_a_file_that_names_no_group_that_can_be_asked_is_refused(
    account: Account, path: Path, arn: str, problem: str
) -> None:
    path.write_text(path.read_text().replace(f"{group(account)}/1", arn))
    with pytest.raises(Usage, match=problem):
        pin(account, path)


def test_a_file_without_models_is_refused(account: Account, path: Path) -> None:
    path.write_text(path.read_text().partition("models:")[0])
    with pytest.raises(Usage, match=r"supply one of the models \(none is described\), got 'churn'"):
        pin(account, path)


def test_a_group_without_an_approved_version_says_so(account: Account, path: Path) -> None:
    for number in (1, 2):
        decide(account, number, "Rejected")
    with pytest.raises(SagewrightError, match="churn: it has no approved version; have one approved first"):
        pin(account, path)


def test_a_version_that_is_rejected_is_refused_with_the_reason(account: Account, path: Path) -> None:
    decide(account, 2, "Rejected", "unfair")
    with pytest.raises(Usage, match=r"supply a version that is Approved, got Rejected \(unfair\)"):
        pin(account, path, "2")


def test_a_version_that_is_not_there_is_refused_in_the_words_of_aws(account: Account, path: Path) -> None:
    with pytest.raises(SagewrightError, match=r"/9: ValidationException: .*does not exist"):
        pin(account, path, "9")


def test_a_group_of_another_account_that_may_not_be_read_is_refused_with_what_to_do(
    account: Account, path: Path
) -> None:
    path.write_text(path.read_text().replace(f":{account.id}:model", ":999988887777:model"))
    with pytest.raises(SagewrightError, match=r"account 999988887777 must name \d{12} in deployer_account"):
        pin(account, path)


def test_an_aws_that_does_not_answer_is_an_error_and_for_the_gate_it_is_unknown(
    account: Account, path: Path
) -> None:
    account.fail("ListModelPackages", code="AccessDeniedException", reason="not authorized")
    with pytest.raises(SagewrightError, match="churn: AccessDeniedException: not authorized"):
        pin(account, path)
    assert registry.approval(target(account, path), f"{group(account)}/2") == "Approved"
    account.fail("DescribeModelPackage", code="AccessDeniedException", reason="not authorized")
    with pytest.raises(Unanswered) as unanswered:
        registry.approval(target(account, path), f"{group(account)}/2")
    told = unanswered.value.told_to("aws_sagemaker_model.churn")
    assert told.startswith(f"the approval of {group(account)}/2 is not known: AccessDeniedException: not")


def test_a_file_that_changes_meanwhile_is_not_overwritten(account: Account, path: Path) -> None:
    made = prepare(target(account, path), "churn", None)
    path.write_text(path.read_text() + "# more\n")
    with pytest.raises(SagewrightError, match="changed by somebody else meanwhile; run the command again"):
        write(made, target(account, path).environment)
    assert path.read_text().endswith("# more\n")


class Answers:
    """A registry in miniature: answers one operation after the other."""

    def __init__(self, *answers: Mapping[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[Mapping[str, Any]] = []

    def call(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        self.asked.append({"operation": operation, **arguments})
        return self.answers.pop(0)


def aws(answers: Answers) -> Aws:
    return cast(Aws, answers)


DESCRIBED = {"ModelPackageStatus": "Completed", "ModelApprovalStatus": "Approved"}


def test_who_approved_and_where_the_metrics_are_is_told() -> None:
    identity = {"Arn": "arn:aws:sts::111122223333:assumed-role/approver/joan"}
    answer = {
        **DESCRIBED,
        "LastModifiedTime": datetime(2026, 4, 1, 9, 30, tzinfo=timezone.utc),
        "LastModifiedBy": {"IamIdentity": identity},
        "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": "s3://metrics/quality.json"}}},
        "InferenceSpecification": {
            "Containers": [
                {"Image": IMAGE, "ModelDataSource": {"S3DataSource": {"S3Uri": "s3://models/churn/"}}},
                {"Image": IMAGE},
            ]
        },
    }
    version = registry.describe(aws(Answers(answer)), "arn")
    assert version.modified_by == identity["Arn"]
    assert version.modified_at == "2026-04-01T09:30:00+00:00"
    assert version.metrics == {"ModelQuality.Statistics": "s3://metrics/quality.json"}
    assert (version.images, version.model_data_urls) == ((IMAGE,), ("s3://models/churn/",))
    studio = {**DESCRIBED, "LastModifiedBy": {"UserProfileName": "joan", "IamIdentity": identity}}
    assert registry.describe(aws(Answers(studio)), "arn").modified_by == "joan"


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"ModelPackageStatus": "Failed"}, "it must be Completed to be deployed, got Failed"),
        ({}, "it has no InferenceSpecification, hence cannot be deployed"),
    ],
)
def test_a_version_that_cannot_be_deployed_is_refused(
    account: Account, path: Path, more: dict[str, str], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(*_: Any, **__: Any) -> Mapping[str, Any]:
        return {**DESCRIBED, **more}

    monkeypatch.setattr(Aws, "call", call)
    with pytest.raises(SagewrightError, match=problem):
        pin(account, path, "2")


def test_the_newest_is_the_highest_of_all_pages_that_can_be_deployed() -> None:
    def summary(number: int, status: str = "Completed") -> dict[str, Any]:
        return {"ModelPackageVersion": number, "ModelPackageStatus": status}

    answers = Answers(
        {"ModelPackageSummaryList": [summary(9), summary(8)], "NextToken": "more"},
        {"ModelPackageSummaryList": [summary(10), summary(11, "Failed")]},
    )
    assert registry.newest_approved(aws(answers), "a:model-package/churn") == "a:model-package/churn/10"
    assert [one.get("NextToken") for one in answers.asked] == [None, "more"]
    assert {one["ModelPackageGroupName"] for one in answers.asked} == {"a:model-package-group/churn"}
    assert {one["ModelApprovalStatus"] for one in answers.asked} == {"Approved"}


def test_without_credentials_the_gate_does_not_know(
    account: Account, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(*_: Any) -> Target:
        raise Usage("no AWS credentials for prod")

    monkeypatch.setattr(registry, "choose", choose)
    project = cast(Any, SimpleNamespace())
    with pytest.raises(Unanswered) as unanswered:
        registry.approval_here(project, target(account, path).environment, False, "arn")
    assert unanswered.value.told_to("") == "the approval of arn is not known: no AWS credentials for prod"
    monkeypatch.setattr(registry, "choose", lambda *_: target(account, path))
    here = registry.approval_here(project, target(account, path).environment, False, f"{group(account)}/3")
    assert here == "PendingManualApproval"
