"""SageMaker notebook instance: JupyterLab on one machine in a VPC, with scripts that prepare it."""

from __future__ import annotations

import base64
from typing import Literal

from cdktf import Fn, TerraformResourceLifecycle
from constructs import Construct

from .._aws.sagemaker_notebook_instance import (
    SagemakerNotebookInstance,
    SagemakerNotebookInstanceInstanceMetadataServiceConfiguration,
)
from .._aws.sagemaker_notebook_instance_lifecycle_configuration import (
    SagemakerNotebookInstanceLifecycleConfiguration,
)
from .._core import (
    Statement,
    at_least,
    at_most,
    distinct,
    matches,
    not_empty,
    one_of,
    record,
    refuse,
    when,
)
from .._core.checks import no_longer_than

REPOSITORY = r"https://[^/]+/?.*|[a-zA-Z0-9](-*[a-zA-Z0-9])*"
"""An address, or the name of a SageMaker code repository."""

LONGEST_SCRIPT = 16384
"""Characters of a lifecycle script, in base64.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_NotebookInstanceLifecycleHook.html
"""

NOTHING = "#!/bin/bash\n"
"""A script that does nothing. The provider never takes a script away: it leaves out what is not there."""


@record
class LifecycleScripts:
    """Shell scripts that SageMaker runs as root, even where the user has no root access; 5 minutes at most.

    A changed script is updated in place, though it is in use, and runs at the next start.
    https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-lifecycle-config.html
    """

    on_create: str | None = None
    """Runs once, when the instance is made; it never runs again on an instance that is there."""
    on_start: str | None = None
    """Runs at every start, the first one too."""

    def __post_init__(self) -> None:
        scripts = (("on_create", self.on_create), ("on_start", self.on_start))
        refuse(
            when(
                self.on_create is None and self.on_start is None,
                "on_create, on_start: supply at least one, got none",
            ),
            *(problem for name, script in scripts if script is not None for problem in _runs(name, script)),
        )


@record
class Notebook:
    """What people decide about a notebook instance.

    https://docs.aws.amazon.com/sagemaker/latest/dg/nbi.html
    """

    instance_type: str = "ml.t3.medium"
    """The smallest: a notebook is for writing and looking, while training and hosting bring their own
    instances. Another type stops the instance and starts it again."""
    volume_size_gb: int = 5
    """Volume of `/home/ec2-user/SageMaker`, 5 to 16384 GB. It grows in place; a smaller one replaces the
    instance, and what was on it is lost."""
    scripts: LifecycleScripts | None = None
    """Prepare the instance; none by default."""
    default_code_repository: str | None = None
    """Repository that Jupyter opens in: the name of a SageMaker code repository, or an HTTPS address that
    the subnet reaches."""
    additional_code_repositories: tuple[str, ...] = ()
    """Further repositories beside it, at most 3."""
    root_access: Literal["Disabled", "Enabled"] = "Disabled"
    """`Enabled` lets the user become root, and so read and change all that is on the instance."""
    direct_internet_access: Literal["Disabled", "Enabled"] = "Disabled"
    """`Enabled` gives the instance a way to the internet past the VPC, its security groups and flow logs."""

    def __post_init__(self) -> None:
        repositories = self.additional_code_repositories
        refuse(
            matches("instance_type", self.instance_type, r"ml\.[a-z0-9-]+\.[a-z0-9]+", "ml.t3.medium"),
            at_least("volume_size_gb", self.volume_size_gb, 5),
            at_most("volume_size_gb", self.volume_size_gb, 16384),
            *(
                problem
                for name, repository in (
                    ("default_code_repository", self.default_code_repository),
                    *(("additional_code_repositories", repository) for repository in repositories),
                )
                for problem in (
                    matches(name, repository, REPOSITORY, "https://git.example.com/churn.git"),
                    no_longer_than(name, repository, 1024),
                )
            ),
            at_most("additional_code_repositories: number of repositories", len(repositories), 3),
            distinct(
                "default_code_repository, additional_code_repositories",
                (self.default_code_repository, *repositories),
            ),
            one_of("root_access", self.root_access, ("Disabled", "Enabled")),
            one_of("direct_internet_access", self.direct_internet_access, ("Disabled", "Enabled")),
        )


@record
class NotebookInstanceConfig:
    """A notebook instance, for one person or a few that trust each other: all act as its one role."""

    name: str
    """The instance's name, at most 63 characters."""
    role_arn: str
    """Role that the code in the notebooks acts as: `Role.outputs.arn`."""
    subnet_id: str
    """Subnet of the instance's network interface."""
    security_group_ids: tuple[str, ...]
    """Security groups of this interface, 1 to 5."""
    kms_key_arn: str
    """Key for the instance's storage volume."""
    account_id: str
    """Account that the instance is in."""
    region: str
    """Region that the instance is in."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    notebook: Notebook = Notebook()
    """Machine, scripts, repositories, and what is opened."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, "[a-zA-Z0-9](-*[a-zA-Z0-9])*", "acme-dev-churn"),
            no_longer_than("name", self.name, 63),
            matches(
                "role_arn",
                self.role_arn,
                r"arn:aws[a-z-]*:iam::\d{12}:role/.+",
                "arn:aws:iam::111122223333:role/acme-dev-notebook",
            ),
            not_empty("security_group_ids", self.security_group_ids),
            at_most("security_group_ids: number of groups", len(self.security_group_ids), 5),
            matches(
                "kms_key_arn",
                self.kms_key_arn,
                r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[a-zA-Z0-9:/_-]+",
                "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            ),
        )


@record
class NotebookInstanceOutputs:
    """What others need of a notebook instance."""

    name: str
    """What `CreatePresignedNotebookInstanceUrl` takes."""
    arn: str
    """The instance's ARN."""
    url: str
    """Host that a presigned URL leads to."""


class NotebookInstance(Construct):
    """A machine that is stopped and started again for most changes: what runs on it is lost, files are not.

    The platform is not named: AWS takes its newest, and provider 5.100 refuses all that AWS still makes.
    https://docs.aws.amazon.com/sagemaker/latest/dg/nbi-al2.html
    """

    def __init__(self, scope: Construct, id_: str, config: NotebookInstanceConfig) -> None:
        super().__init__(scope, id_)
        self._config = config
        notebook = config.notebook
        instance = SagemakerNotebookInstance(
            self,
            "this",
            name=config.name,
            role_arn=config.role_arn,
            instance_type=notebook.instance_type,
            volume_size=notebook.volume_size_gb,
            kms_key_id=config.kms_key_arn,
            subnet_id=config.subnet_id,
            security_groups=list(config.security_group_ids),
            direct_internet_access=notebook.direct_internet_access,
            root_access=notebook.root_access,
            instance_metadata_service_configuration=SagemakerNotebookInstanceInstanceMetadataServiceConfiguration(
                minimum_instance_metadata_service_version="2"
            ),
            lifecycle_config_name=self._prepare(notebook.scripts).name if notebook.scripts else None,
            default_code_repository=notebook.default_code_repository,
            additional_code_repositories=list(notebook.additional_code_repositories) or None,
        )
        self.outputs = NotebookInstanceOutputs(name=instance.name, arn=instance.arn, url=instance.url)

    def open(self) -> Statement:
        """Return what a person's role needs to open the notebooks, and so to act as the instance's role."""
        return self._on("CreatePresignedNotebookInstanceUrl", "DescribeNotebookInstance")

    def start_and_stop(self) -> Statement:
        """Return what a role needs to start and stop the instance, which costs money while it runs."""
        return self._on("DescribeNotebookInstance", "StartNotebookInstance", "StopNotebookInstance")

    def _on(self, *operations: str) -> Statement:
        config = self._config
        home = f"arn:{config.partition}:sagemaker:{config.region}:{config.account_id}"
        return Statement(
            actions=tuple(f"sagemaker:{operation}" for operation in operations),
            resources=(f"{home}:notebook-instance/{config.name}",),
        )

    def _prepare(self, scripts: LifecycleScripts) -> SagemakerNotebookInstanceLifecycleConfiguration:
        """Make the lifecycle configuration; it goes after the instance has let go of it."""
        return SagemakerNotebookInstanceLifecycleConfiguration(
            self,
            "lifecycle",
            name=self._config.name,
            on_create=_encoded(scripts.on_create or NOTHING),
            on_start=_encoded(scripts.on_start or NOTHING),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )


def _encoded(script: str) -> str:
    if _has_token(script):
        return Fn.base64encode(script)
    return base64.b64encode(script.encode()).decode()


def _has_token(script: str) -> bool:
    """Tell whether Terraform alone knows the script, or a part of it: `${HOME}` is the shell's."""
    return "${TfToken[" in script


def _runs(name: str, script: str) -> tuple[str | None, ...]:
    """Check what SageMaker takes for a script; one that Terraform alone knows passes."""
    if _has_token(script):
        return ()
    length = len(_encoded(script))
    return (
        when(
            not script.startswith("#!"),
            f"{name}: supply a script that starts with #! and its interpreter, such as #!/bin/bash",
        ),
        when("\r" in script, f"{name}: supply a script with line ends of Unix, got carriage returns"),
        when(
            length > LONGEST_SCRIPT,
            f"{name}: supply at most {LONGEST_SCRIPT} characters in base64, got {length}",
        ),
    )
