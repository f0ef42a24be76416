"""SageMaker Studio lifecycle configuration: a script that runs when an app starts."""

from __future__ import annotations

import base64
from typing import Literal

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from .._aws.sagemaker_studio_lifecycle_config import SagemakerStudioLifecycleConfig
from .._core import matches, one_of, record, refuse, when
from .._core.checks import no_longer_than
from .._core.revision import Revision

APP_TYPES = ("CodeEditor", "JupyterLab")

LONGEST_SCRIPT = 16_384
"""Characters of a script in base64.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateStudioLifecycleConfig.html
"""


@record
class Script:
    """A script that runs as the user when an app starts; the app does not, if it fails or takes 5 minutes.

    https://docs.aws.amazon.com/sagemaker/latest/dg/jl-lcc.html
    """

    content: str
    """The script itself. `${HOME}` and the like are the shell's; it is taken as it stands."""
    app_type: Literal["CodeEditor", "JupyterLab"] = "JupyterLab"
    """Kind of app that it runs in."""

    def __post_init__(self) -> None:
        length = len(self.base64)
        refuse(
            one_of("app_type", self.app_type, APP_TYPES),
            when(
                not self.content.startswith("#!"),
                f"content: supply a script that begins with #! and its interpreter, got {self.content[:9]!r}",
            ),
            when(
                "\r" in self.content, "content: supply a script with line ends of Unix, got carriage returns"
            ),
            when(
                "${TfToken[" in self.content,
                "content: supply a script that is known before the plan, got one that Terraform knows later",
            ),
            when(
                length > LONGEST_SCRIPT,
                f"content: supply a script of at most {LONGEST_SCRIPT} characters in base64, got {length}",
            ),
        )

    @property
    def base64(self) -> str:
        """The script as AWS takes it."""
        return base64.b64encode(self.content.encode()).decode()


@record
class StudioLifecycleConfigConfig:
    """A script and the start of its name."""

    name: str
    """Start of the configuration's name, at most 54 characters: each revision adds eight random digits."""
    script: Script
    """What runs, and in which kind of app."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, "[a-zA-Z0-9](-*[a-zA-Z0-9])*", "acme-dev-setup"),
            no_longer_than("name", self.name, 54),
        )


@record
class StudioLifecycleConfigOutputs:
    """What others need of a lifecycle configuration."""

    name: str
    """The configuration's name in AWS, another one for each revision."""
    arn: str
    """What the settings of a domain, a user profile or a space take."""
    app_type: str
    """Kind of app that takes it."""


class StudioLifecycleConfig(Construct):
    """A script is immutable in AWS: a change makes a new one beside the old one, which goes last.

    A domain that the old one is attached to is updated in between.
    """

    def __init__(self, scope: Construct, id_: str, config: StudioLifecycleConfigConfig) -> None:
        super().__init__(scope, id_)
        script = config.script
        revision = Revision(self, "revision", {"content": script.base64, "app_type": script.app_type})
        lifecycle_config = SagemakerStudioLifecycleConfig(
            self,
            "this",
            studio_lifecycle_config_name=f"{config.name}-{revision.suffix}",
            studio_lifecycle_config_app_type=script.app_type,
            studio_lifecycle_config_content=script.base64,
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        self.outputs = StudioLifecycleConfigOutputs(
            name=lifecycle_config.studio_lifecycle_config_name,
            arn=lifecycle_config.arn,
            app_type=script.app_type,
        )
