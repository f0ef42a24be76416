"""What a SageMaker request refers to must be there."""

from __future__ import annotations

import json

import pytest

from tests.sagewright.local.conftest import IMAGE, REGION, TRUST_SAGEMAKER, Account, refused, variant

NOT_ASSUMED = "Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com'"


def own_image(account: Account, rest: str, region: str = REGION) -> dict[str, str]:
    return {"Image": f"{account.id}.dkr.ecr.{region}.amazonaws.com/{rest}"}


def test_a_role_must_exist(account: Account) -> None:
    arn = f"arn:aws:iam::{account.id}:role/none"
    with refused(f"Could not assume role {arn}. {NOT_ASSUMED}"):
        account.model(ExecutionRoleArn=arn)


@pytest.mark.parametrize(
    "change",
    [
        {"Principal": {"Service": "ec2.amazonaws.com"}},
        {"Principal": {"AWS": "*"}},
        {"Effect": "Deny"},
        {"Action": "sts:TagSession"},
    ],
)
def test_a_role_must_trust_sagemaker(account: Account, change: dict[str, object]) -> None:
    trust = {**TRUST_SAGEMAKER, "Statement": {**TRUST_SAGEMAKER["Statement"][0], **change}}  # type: ignore[dict-item]
    with refused(NOT_ASSUMED):
        account.model(ExecutionRoleArn=account.role("other", trust))


def test_a_role_with_several_services_and_actions_is_trusted(account: Account) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": ["ec2.amazonaws.com", "sagemaker.amazonaws.com"]},
        "Action": ["sts:TagSession", "sts:AssumeRole"],
    }
    account.model(ExecutionRoleArn=account.role("other", {"Version": "2012-10-17", "Statement": statement}))


def test_a_role_of_another_account_is_refused(account: Account) -> None:
    with refused("Cross-account pass role is not allowed."):
        account.model(ExecutionRoleArn="arn:aws:iam::123456789012:role/model")


def test_an_image_in_the_own_registry_must_exist(account: Account) -> None:
    image, digest = account.image()
    repository = image.removesuffix(":1")
    for found in (image, f"{repository}@{digest}"):
        account.model(f"m{len(found)}", PrimaryContainer={"Image": found})
    for missing in (f"{repository}:2", f"{repository}@sha256:{'0' * 64}", f"{repository}s:1"):
        with refused(f"Requested image {missing} not found."):
            account.model("missing", PrimaryContainer={"Image": missing})


def test_an_image_is_named_by_tag_or_digest_and_in_the_same_region(account: Account) -> None:
    with refused('" is invalid.'):
        account.model(PrimaryContainer=own_image(account, "models"))
    with refused("must be in region eu-west-1"):
        account.model(PrimaryContainer=own_image(account, "models:1", "us-east-1"))


def test_an_image_of_another_account_is_taken_as_it_is(account: Account) -> None:
    account.model(PrimaryContainer={"Image": IMAGE})


def test_an_image_of_a_private_registry_in_the_vpc_is_taken_as_it_is(account: Account) -> None:
    private = {"Image": "registry.example/churn:1", "ImageConfig": {"RepositoryAccessMode": "Vpc"}}
    with refused("VpcConfig is required when RepositoryAccessMode"):
        account.model(PrimaryContainer=private)
    subnet, group = account.network()
    account.model(PrimaryContainer=private, VpcConfig={"Subnets": [subnet], "SecurityGroupIds": [group]})


def test_model_data_must_exist(account: Account) -> None:
    bucket = account.bucket()
    s3 = account.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="churn/model.tar.gz", Body=b"x")
    url = f"s3://{bucket}/churn/model.tar.gz"
    account.model("there", PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url})
    s3.delete_object(Bucket=bucket, Key="churn/model.tar.gz")
    for missing in (url, f"s3://{bucket}/churn/", f"s3://{bucket}", "s3://no-such-bucket/model.tar.gz"):
        with refused(f"Could not find model data at {missing}."):
            account.model("missing", PrimaryContainer={"Image": IMAGE, "ModelDataUrl": missing})


def test_model_data_can_be_a_prefix(account: Account) -> None:
    bucket = account.bucket()
    account.client("s3").put_object(Bucket=bucket, Key="churn/weights.bin", Body=b"x")
    source = {"S3DataType": "S3Prefix", "CompressionType": "None", "S3Uri": f"s3://{bucket}/churn/"}
    account.model(PrimaryContainer={"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}})


def test_a_key_must_exist_and_be_enabled(account: Account) -> None:
    account.model()
    kms, key = account.client("kms"), account.key()
    kms.create_alias(AliasName="alias/data", TargetKeyId=key)
    for number, name in enumerate((key, key.rpartition("/")[2], "alias/data")):
        account.configuration(f"c{number}", variant("a"), KmsKeyId=name)
    missing = key[:-12] + "0" * 12
    with refused(f"KMS key {missing} does not exist."):
        account.configuration("missing", variant("a"), KmsKeyId=missing)
    for none in ("alias/none", "arn:foo", "arn:aws:kms", f"arn:aws:s3:{REGION}:{account.id}:key/a", "none"):
        with refused(f"KMS key {none} does not exist."):
            account.configuration("missing", variant("a"), KmsKeyId=none)
    account.configuration("alias", variant("a"), KmsKeyId=f"{key.rpartition(':')[0]}:alias/data")
    with refused("is not in region eu-west-1"):
        account.configuration("elsewhere", variant("a"), KmsKeyId=key.replace(REGION, "us-east-1"))
    key_id = key.rpartition("/")[2]
    kms.disable_key(KeyId=key_id)
    with refused("its state is Disabled"):
        account.configuration("disabled", variant("a"), KmsKeyId=key)
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    with refused("its state is PendingDeletion"):
        account.configuration("pending", variant("a"), KmsKeyId=key)


def test_a_key_of_data_capture_is_checked_too(account: Account) -> None:
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://capture/churn",
        "CaptureOptions": [{"CaptureMode": "Output"}],
        "KmsKeyId": f"arn:aws:kms:{REGION}:{account.id}:key/none",
    }
    with refused("key/none does not exist"):
        account.configuration("first", variant("a"), DataCaptureConfig=capture)


def test_a_key_of_another_account_is_taken_as_it_is(account: Account) -> None:
    account.configuration(KmsKeyId=f"arn:aws:kms:{REGION}:123456789012:key/none")


def test_a_network_must_exist_and_be_one(account: Account) -> None:
    subnet, group = account.network()
    ec2 = account.client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    other = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc_id)["GroupId"]
    with refused("The subnet ID 'subnet-0' does not exist."):
        account.model(VpcConfig={"Subnets": ["subnet-0"], "SecurityGroupIds": [group]})
    with refused("The security group ID 'sg-0' does not exist."):
        account.model(VpcConfig={"Subnets": [subnet], "SecurityGroupIds": ["sg-0"]})
    with refused("must be in the same VPC"):
        account.model(VpcConfig={"Subnets": [subnet], "SecurityGroupIds": [other]})


def test_jobs_that_moto_holds_are_checked_too(account: Account) -> None:
    with refused(NOT_ASSUMED):
        account.sagemaker.create_training_job(
            TrainingJobName="train",
            AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            RoleArn=f"arn:aws:iam::{account.id}:role/none",
            OutputDataConfig={"S3OutputPath": "s3://data/out"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        )


def test_moto_keeps_what_it_has_right(account: Account) -> None:
    """Pipelines, experiments and jobs are moto's, with their tags and their search."""
    sagemaker = account.sagemaker
    definition = json.dumps({"Version": "2020-12-01", "Steps": []})
    arn = sagemaker.create_pipeline(
        PipelineName="train",
        PipelineDefinition=definition,
        ClientRequestToken="0" * 32,
        RoleArn=account.role(),
        Tags=[{"Key": "Owner", "Value": "team"}],
    )["PipelineArn"]
    assert sagemaker.describe_pipeline(PipelineName="train")["PipelineDefinition"] == definition
    assert [each["PipelineName"] for each in sagemaker.list_pipelines()["PipelineSummaries"]] == ["train"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "Owner", "Value": "team"}]
    sagemaker.create_experiment(ExperimentName="churn")
    (found,) = sagemaker.search(Resource="Experiment")["Results"]
    assert found["Experiment"]["ExperimentName"] == "churn"
