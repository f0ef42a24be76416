"""Domains, images, notebooks and work forces: what they do beyond being stored."""

from __future__ import annotations

import pytest

from sagewright.local import sagemaker as sagemaker_module
from sagewright.local.control_plane import Hooks
from tests.sagewright.local.conftest import IMAGE, Account, refused

USED = "because it has {}(s) associated with it"


@pytest.fixture
def domain(account: Account) -> str:
    subnet, _ = account.network()
    vpc_id = account.client("ec2").describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    answer = account.sagemaker.create_domain(
        DomainName="team",
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": account.role()},
        DomainSettings={"SecurityGroupIds": []},
        SubnetIds=[subnet],
        VpcId=vpc_id,
    )
    return str(answer["DomainId"])


def test_a_domain_goes_last(account: Account, domain: str) -> None:
    sagemaker = account.sagemaker
    user = {"DomainId": domain, "UserProfileName": "ada"}
    app = {**user, "AppType": "JupyterLab", "AppName": "default"}
    sagemaker.create_user_profile(**user)
    sagemaker.create_app(**app)
    assert sagemaker.describe_app(**app)["Status"] == "InService"
    with refused(USED.format("App"), "ResourceInUse"):
        sagemaker.delete_domain(DomainId=domain)
    with refused(USED.format("App"), "ResourceInUse"):
        sagemaker.delete_user_profile(**user)
    sagemaker.delete_app(**app)
    with refused(USED.format("UserProfile"), "ResourceInUse"):
        sagemaker.delete_domain(DomainId=domain)
    sagemaker.delete_user_profile(**user)
    sagemaker.delete_domain(DomainId=domain)
    with refused("does not exist", "ResourceNotFound"):
        sagemaker.create_user_profile(**user)


def test_create_domain_makes_homes_and_delete_domain_leaves_them_unless_it_is_told(
    account: Account, domain: str
) -> None:
    efs, ec2 = account.client("efs"), account.client("ec2")
    described = account.sagemaker.describe_domain(DomainId=domain)
    home = {"FileSystemId": described["HomeEfsFileSystemId"]}
    nfs = [{"Name": "group-name", "Values": [f"security-group-for-*-nfs-{domain}"]}]

    (system,) = efs.describe_file_systems(**home)["FileSystems"]
    (target,) = efs.describe_mount_targets(**home)["MountTargets"]
    groups = ec2.describe_security_groups(Filters=nfs)["SecurityGroups"]
    assert {"Key": "ManagedByAmazonSageMakerResource", "Value": described["DomainArn"]} in system["Tags"]
    assert system["Encrypted"]
    assert target["SubnetId"] in described["SubnetIds"]
    assert len(groups) == 2

    account.sagemaker.delete_domain(DomainId=domain)
    assert len(efs.describe_mount_targets(**home)["MountTargets"]) == 1
    assert len(ec2.describe_security_groups(Filters=nfs)["SecurityGroups"]) == 2


def test_delete_domain_removes_the_homes_when_it_is_told(account: Account, domain: str) -> None:
    account.sagemaker.delete_domain(DomainId=domain, RetentionPolicy={"HomeEfsFileSystem": "Delete"})
    assert account.client("efs").describe_file_systems()["FileSystems"] == []
    nfs = [{"Name": "group-name", "Values": [f"security-group-for-*-nfs-{domain}"]}]
    assert account.client("ec2").describe_security_groups(Filters=nfs)["SecurityGroups"] == []


def test_create_domain_in_a_subnet_that_is_missing_is_refused(account: Account) -> None:
    with refused("The subnet ID 'subnet-0ffff000' does not exist"):
        account.sagemaker.create_domain(
            DomainName="team",
            AuthMode="IAM",
            DefaultUserSettings={"ExecutionRole": account.role()},
            SubnetIds=["subnet-0ffff000"],
            VpcId="vpc-0ffff000",
        )
    assert account.sagemaker.list_domains()["Domains"] == []
    assert account.client("efs").describe_file_systems()["FileSystems"] == []


def test_an_update_of_a_domain_changes_only_what_it_names(account: Account, domain: str) -> None:
    sagemaker = account.sagemaker
    sagemaker.update_domain(
        DomainId=domain, DomainSettingsForUpdate={"ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"}
    )
    described = sagemaker.describe_domain(DomainId=domain)
    assert described["DomainSettings"] == {
        "SecurityGroupIds": [],
        "ExecutionRoleIdentityConfig": "USER_PROFILE_NAME",
    }
    assert described["Status"] == "InService"
    assert described["LastModifiedTime"] >= described["CreationTime"]


def test_lists_of_studio_are_filtered_by_domain(account: Account, domain: str) -> None:
    for name in ("ada", "bob"):
        account.sagemaker.create_user_profile(DomainId=domain, UserProfileName=name)

    def listed(**request: str) -> list[str]:
        profiles = account.sagemaker.list_user_profiles(**request)["UserProfiles"]
        return [profile["UserProfileName"] for profile in profiles]

    assert listed() == ["ada", "bob"]
    assert listed(DomainIdEquals=domain, UserProfileNameContains="bo") == ["bob"]
    assert listed(DomainIdEquals="d-000000000000") == []


def test_images_have_numbered_versions_with_aliases(account: Account) -> None:
    sagemaker = account.sagemaker
    sagemaker.create_image(ImageName="lab", RoleArn=account.role(), Description="first")
    for token, aliases in (("0" * 32, ["old"]), ("1" * 32, ["new"]), ("1" * 32, ["new"])):
        sagemaker.create_image_version(ImageName="lab", BaseImage=IMAGE, Aliases=aliases, ClientToken=token)
    assert sagemaker.describe_image_version(ImageName="lab")["Version"] == 2
    assert sagemaker.describe_image_version(ImageName="lab", Alias="old")["Version"] == 1
    sagemaker.update_image_version(
        ImageName="lab", Version=1, AliasesToAdd=["stable"], AliasesToDelete=["old"], Horovod=True
    )
    assert sagemaker.describe_image_version(ImageName="lab", Alias="stable")["Horovod"] is True
    assert sagemaker.list_aliases(ImageName="lab")["SageMakerImageVersionAliases"] == ["stable", "new"]
    sagemaker.update_image(ImageName="lab", DeleteProperties=["Description"])
    assert "Description" not in sagemaker.describe_image(ImageName="lab")
    with refused("does not exist", "ResourceNotFound"):
        sagemaker.describe_image_version(ImageName="lab", Alias="old")
    sagemaker.delete_image(ImageName="lab")
    with refused("does not exist", "ResourceNotFound"):
        sagemaker.describe_image_version(ImageName="lab", Version=1)


def test_a_notebook_is_changed_and_deleted_only_when_stopped(account: Account) -> None:
    sagemaker = account.sagemaker
    name = {"NotebookInstanceName": "lab"}
    sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="start")
    sagemaker.create_notebook_instance(
        **name, InstanceType="ml.t3.medium", RoleArn=account.role(), LifecycleConfigName="start"
    )
    described = sagemaker.describe_notebook_instance(**name)
    assert described["NotebookInstanceLifecycleConfigName"] == "start"
    assert described["DirectInternetAccess"] == "Enabled"
    for change in (sagemaker.update_notebook_instance, sagemaker.delete_notebook_instance):
        with refused("Status (InService) not in ([Stopped, Failed]). Unable to transition to"):
            change(**name)
    sagemaker.stop_notebook_instance(**name)
    sagemaker.get_waiter("notebook_instance_stopped").wait(**name)
    sagemaker.update_notebook_instance(**name, InstanceType="ml.t3.large", DisassociateLifecycleConfig=True)
    described = sagemaker.describe_notebook_instance(**name)
    assert (described["InstanceType"], described["NotebookInstanceStatus"]) == ("ml.t3.large", "Stopped")
    assert "NotebookInstanceLifecycleConfigName" not in described
    sagemaker.start_notebook_instance(**name)
    sagemaker.get_waiter("notebook_instance_in_service").wait(**name)
    sagemaker.stop_notebook_instance(**name)
    sagemaker.delete_notebook_instance(**name)
    with refused("RecordNotFound"):
        sagemaker.describe_notebook_instance(**name)


def test_delete_workforce_refuses_one_that_has_teams(account: Account) -> None:
    pool = {"UserPool": "eu-west-1_x", "ClientId": "x"}
    account.sagemaker.create_workforce(WorkforceName="default", CognitoConfig=pool)
    account.sagemaker.create_workteam(
        WorkteamName="radiology",
        WorkforceName="default",
        Description="Reads images",
        MemberDefinitions=[{"CognitoMemberDefinition": {**pool, "UserGroup": "doctors"}}],
    )
    with refused("because it has Workteam(s) associated with it", "ResourceInUse"):
        account.sagemaker.delete_workforce(WorkforceName="default")
    account.sagemaker.delete_workteam(WorkteamName="radiology")
    account.sagemaker.delete_workforce(WorkforceName="default")


def test_create_notebook_instance_refuses_amazon_linux_2_and_takes_the_newest(account: Account) -> None:
    notebook = {
        "NotebookInstanceName": "churn",
        "InstanceType": "ml.t3.medium",
        "RoleArn": account.role(),
    }
    with refused("notebook-al2-v3 can no longer be created"):
        account.sagemaker.create_notebook_instance(**notebook, PlatformIdentifier="notebook-al2-v3")
    account.sagemaker.create_notebook_instance(**notebook)
    made = account.sagemaker.describe_notebook_instance(NotebookInstanceName="churn")
    assert made["PlatformIdentifier"] == "notebook-al2023-v1"


def test_an_account_has_one_workforce(account: Account) -> None:
    pool = {"CognitoConfig": {"UserPool": "eu-west-1_x", "ClientId": "x"}}
    account.sagemaker.create_workforce(WorkforceName="default", **pool)
    with refused("A workforce already exists"):
        account.sagemaker.create_workforce(WorkforceName="second", **pool)
    with refused("No workforce found"):
        account.sagemaker.describe_workforce(WorkforceName="second")


def test_an_update_replaces_what_it_names(account: Account) -> None:
    sagemaker = account.sagemaker
    sagemaker.create_code_repository(
        CodeRepositoryName="code", GitConfig={"RepositoryUrl": "https://git.example/x", "Branch": "main"}
    )
    secret = f"arn:aws:secretsmanager:{account.region}:{account.id}:secret:git"
    sagemaker.update_code_repository(CodeRepositoryName="code", GitConfig={"SecretArn": secret})
    described = sagemaker.describe_code_repository(CodeRepositoryName="code")
    assert described["GitConfig"] == {
        "RepositoryUrl": "https://git.example/x",
        "Branch": "main",
        "SecretArn": secret,
    }


def test_an_update_that_is_not_understood_is_not_pretended(account: Account, domain: str) -> None:
    provider = {"CfnTemplateProvider": {"TemplateName": "t", "TemplateURL": "https://example/t"}}
    account.sagemaker.create_project(ProjectName="p", TemplateProviders=[provider])
    change = {"CfnTemplateProvider": {"TemplateName": "t", "TemplateURL": "https://example/u"}}
    with refused("UpdateProject with TemplateProvidersToUpdate", "NotImplemented", 501):
        account.sagemaker.update_project(ProjectName="p", TemplateProvidersToUpdate=[change])


def test_a_resource_has_fifty_tags_at_most(account: Account) -> None:
    account.model()
    arn = account.sagemaker.describe_model(ModelName="churn")["ModelArn"]
    tags = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    account.sagemaker.add_tags(ResourceArn=arn, Tags=tags)
    with refused("A resource can have 50 tags at most, got 51."):
        account.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "one more", "Value": ""}])
    listed = account.sagemaker.list_tags(ResourceArn=arn)
    assert len(listed["Tags"]) == 50
    assert "NextToken" not in listed


def test_a_server_is_stopped_and_started(account: Account) -> None:
    sagemaker, name = account.sagemaker, {"TrackingServerName": "mlflow"}
    sagemaker.create_mlflow_tracking_server(
        **name, ArtifactStoreUri="s3://data/mlflow", RoleArn=account.role()
    )
    sagemaker.stop_mlflow_tracking_server(**name)
    assert sagemaker.describe_mlflow_tracking_server(**name)["TrackingServerStatus"] == "Stopped"
    sagemaker.start_mlflow_tracking_server(**name)
    assert sagemaker.describe_mlflow_tracking_server(**name)["TrackingServerStatus"] == "Started"


def test_what_could_not_be_described_is_not_created(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kind whose description needs more than request and facts is not half there."""
    monkeypatch.setitem(sagemaker_module._BEHAVIOUR.hooks, "HumanTaskUi", Hooks())
    monkeypatch.setattr("sagewright.local.control_plane._TIMES_OF_CREATION", ())
    with refused("does not implement HumanTaskUi without CreationTime", "NotImplemented", 501):
        account.sagemaker.create_human_task_ui(HumanTaskUiName="ui", UiTemplate={"Content": "x"})
    assert account.sagemaker.list_human_task_uis()["HumanTaskUiSummaries"] == []
