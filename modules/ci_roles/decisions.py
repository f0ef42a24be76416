"""Which runs of CI may take the roles: GitHub Actions, or any other issuer of OIDC tokens."""

from __future__ import annotations

from typing import Literal

from .._core import distinct, matches, not_empty, record, refuse, unresolved, when

GITHUB = "https://token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
PROVIDER_ARN = r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/.+"


@record
class Trust:
    """Whose tokens open the two roles."""

    url: str
    """Issuer of the tokens."""
    audience: str
    """For whom they must be made: the claim `aud`."""
    plan_subjects: tuple[str, ...]
    """For which runs, the claim `sub`, that may plan; `*` stands for any characters."""
    apply_subjects: tuple[str, ...]
    """For which runs that may apply."""

    @property
    def issuer(self) -> str:
        """The issuer as condition keys name it: without `https://`."""
        return self.url.removeprefix("https://")


@record
class GitHub:
    """GitHub Actions: pull requests and one branch plan, a deployment environment applies.

    https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
    """

    kind: Literal["GitHub"] = "GitHub"
    repository: str
    """Owner and name as GitHub spells them, such as `acme/ml-platform`."""
    branch: str = "main"
    """Branch whose runs may plan, too."""
    provider_arn: str | None = None
    """GitHub's OIDC provider, where the account has one already; without it, it is made."""

    def __post_init__(self) -> None:
        refuse(
            matches("repository", self.repository, r"[\w-]+/[\w.-]+", "acme/ml-platform"),
            matches("branch", self.branch, r"[\w./-]+", "main"),
            _provider(self.provider_arn, GITHUB),
        )

    def trust(self, deployment_environment: str) -> Trust:
        """Return whom the roles trust: GitHub asks the reviewers of the environment before a run has it.

        https://docs.github.com/en/actions/reference/security/oidc#filtering-for-a-specific-environment
        """
        run = f"repo:{self.repository}"
        return Trust(
            url=GITHUB,
            audience=AUDIENCE,
            plan_subjects=(f"{run}:pull_request", f"{run}:ref:refs/heads/{self.branch}"),
            apply_subjects=(f"{run}:environment:{deployment_environment}",),
        )


@record
class Oidc:
    """Any other issuer, such as GitLab; what its subjects look like is said by its own pages.

    https://docs.gitlab.com/ci/cloud_services/aws/
    """

    kind: Literal["Oidc"] = "Oidc"
    url: str
    """Issuer of the tokens, such as `https://gitlab.com`."""
    audience: str = AUDIENCE
    """For whom they must be made."""
    plan_subjects: tuple[str, ...]
    """Runs that may plan; `*` may stand for a branch: `project_path:acme/ml:ref_type:branch:ref:*`."""
    apply_subjects: tuple[str, ...]
    """Runs that may apply, in full: `project_path:acme/ml:ref_type:branch:ref:main`."""
    provider_arn: str | None = None
    """The issuer's OIDC provider, where the account has one already; without it, it is made."""

    def __post_init__(self) -> None:
        refuse(
            matches("url", self.url, r"https://[\w.-]+(/[\w./-]*[\w-])?", "https://gitlab.com"),
            matches("audience", self.audience, r"[^\s*?]+", AUDIENCE),
            not_empty("plan_subjects", self.plan_subjects),
            distinct("plan_subjects", self.plan_subjects),
            not_empty("apply_subjects", self.apply_subjects),
            distinct("apply_subjects", self.apply_subjects),
            *(
                matches("plan_subjects", one, r"[^\s*?:]+:[^\s*?:]+(:\S+)?", "project_path:acme/ml:*")
                for one in self.plan_subjects
            ),
            *(
                matches("apply_subjects", one, r"[^\s*?:]+:[^\s*?]+", "project_path:acme/ml:ref:main")
                for one in self.apply_subjects
            ),
            _provider(self.provider_arn, self.url),
        )

    def trust(self, deployment_environment: str) -> Trust:
        """Return whom the roles trust; the subjects say themselves which environment they are for."""
        return Trust(
            url=self.url,
            audience=self.audience,
            plan_subjects=self.plan_subjects,
            apply_subjects=self.apply_subjects,
        )


def _provider(arn: str | None, url: str) -> str | None:
    """Check that a provider's ARN is that of the issuer."""
    issuer = url.removeprefix("https://")
    wrong = arn and not unresolved(arn) and not arn.endswith(f":oidc-provider/{issuer}")
    example = f"arn:aws:iam::111122223333:oidc-provider/{issuer}"
    return matches("provider_arn", arn, PROVIDER_ARN, example) or when(
        wrong, f"provider_arn: supply a value such as {example}, got {arn!r}"
    )
