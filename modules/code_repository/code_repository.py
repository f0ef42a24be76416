"""SageMaker code repository: a Git repository that notebooks clone."""

from __future__ import annotations

from constructs import Construct

from .._aws.sagemaker_code_repository import SagemakerCodeRepository, SagemakerCodeRepositoryGitConfig
from .._core import Statement, matches, record, refuse, unresolved, when
from .._core.checks import no_longer_than

REPOSITORY = r"https://[.\w-]+(/[.\w-]+)+/?"
"""What Studio takes, too: no port, no user, no query.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CodeRepository.html
"""


@record
class GitRepository:
    """Where a Git repository is.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_GitConfig.html
    """

    repository_url: str
    """HTTPS address, without user or password."""
    branch: str | None = None
    """Branch that is checked out; the repository's own default if none is named."""
    secret_arn: str | None = None
    """Secret in AWS Secrets Manager with `username` and `password`; none for a public repository."""

    def __post_init__(self) -> None:
        credentials = not unresolved(self.repository_url) and "@" in self.repository_url
        refuse(
            when(
                credentials,
                "repository_url: supply an address without user and password, which belong into secret_arn",
            ),
            None
            if credentials
            else matches(
                "repository_url", self.repository_url, REPOSITORY, "https://git.example.com/acme/churn.git"
            ),
            None if credentials else no_longer_than("repository_url", self.repository_url, 1024),
            matches("branch", self.branch, r"[^ ~^:?*\\[]+", "main"),
            no_longer_than("branch", self.branch, 1024),
            matches(
                "secret_arn",
                self.secret_arn,
                r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+",
                "arn:aws:secretsmanager:eu-west-1:111122223333:secret:git-AbCdEf",
            ),
            no_longer_than("secret_arn", self.secret_arn, 2048),
        )


@record
class CodeRepositoryConfig:
    """A repository under a name in SageMaker."""

    name: str
    """The repository's name, at most 63 characters."""
    git: GitRepository
    """Where it is."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, "[a-zA-Z0-9](-*[a-zA-Z0-9])*", "acme-dev-churn"),
            no_longer_than("name", self.name, 63),
        )


@record
class CodeRepositoryOutputs:
    """What others need of a code repository."""

    name: str
    """What a notebook instance takes."""
    arn: str
    """The repository's ARN."""
    repository_url: str
    """What Studio takes."""


class CodeRepository(Construct):
    """An address, a branch and credentials; the code stays where it is.

    Another address or branch replaces the resource, another secret does not.
    https://docs.aws.amazon.com/sagemaker/latest/dg/nbi-git-resource.html
    """

    def __init__(self, scope: Construct, id_: str, config: CodeRepositoryConfig) -> None:
        super().__init__(scope, id_)
        self._git = config.git
        repository = SagemakerCodeRepository(
            self,
            "this",
            code_repository_name=config.name,
            git_config=SagemakerCodeRepositoryGitConfig(
                repository_url=config.git.repository_url,
                branch=config.git.branch,
                secret_arn=config.git.secret_arn,
            ),
        )
        self.outputs = CodeRepositoryOutputs(
            name=repository.code_repository_name,
            arn=repository.arn,
            repository_url=config.git.repository_url,
        )

    def read_secret(self) -> tuple[Statement, ...]:
        """Return what a role needs to clone a repository that has a secret; the secret's key comes on top."""
        if self._git.secret_arn is None:
            return ()
        return (Statement(actions=("secretsmanager:GetSecretValue",), resources=(self._git.secret_arn,)),)
