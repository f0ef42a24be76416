"""Where people work: the Studio domain with its people, and notebook instances, each with their roles."""

from __future__ import annotations

from constructs import Construct

from modules.ecr_repository import pull_all
from modules.notebook_instance import Notebook, NotebookInstance, NotebookInstanceConfig
from modules.policy import Policy, PolicyConfig
from modules.role import Role, RoleConfig, Services, execution, fetch
from modules.studio_domain import Limits, Persona, PersonaScope, StudioDomain, StudioDomainConfig, statements
from modules.studio_domain import Studio as Decisions
from modules.studio_image import Image

from .base import EnvironmentStack
from .environment import Environment
from .foundation import Foundation

SAGEMAKER = Services(names=("sagemaker.amazonaws.com",))


class Studio(EnvironmentStack):
    """A persona is a role, which the code in an app has; a notebook instance has the data scientist's."""

    def __init__(self, scope: Construct, name: str, environment: Environment, foundation: Foundation) -> None:
        super().__init__(scope, "studio", name, environment)
        self.add_dependency(foundation)
        self.foundation = foundation
        self.data = self._data() if environment.studio or environment.notebook_instances else None
        if environment.studio:
            self._domain(environment.studio)
        for key, notebook in environment.notebook_instances.items():
            self._notebook(key, notebook)

    def _domain(self, studio: Decisions) -> None:
        network = self.foundation.network.outputs
        roles = {
            persona: self._role(f"studio-{kebab(persona)}", persona, studio.limits)
            for persona in studio.personas
        }
        image_role = self._image_role(*studio.images.values()) if studio.images else None
        shared = f"s3://{self.foundation.artifacts.config.name}/studio"
        domain = StudioDomain(
            self,
            "studio",
            StudioDomainConfig(
                name=f"{self.prefix}studio",
                vpc_id=network.vpc_id,
                subnet_ids=network.subnet_ids,
                security_group_ids=network.security_group_ids,
                kms_key_arn=self.foundation.data_key.outputs.arn,
                execution_role_arns={persona: role.outputs.arn for persona, role in roles.items()},
                image_role_arn=image_role.outputs.arn if image_role else None,
                shared_outputs_s3_uri=f"{shared}/outputs" if studio.share_notebook_outputs else None,
                canvas_s3_uri=f"{shared}/canvas" if studio.canvas else None,
                studio=studio,
            ),
        )
        self.publish("studio/domain_id", domain.outputs.id, "Studio domain")
        for persona in studio.personas:
            description = f"Role of the persona {persona} in Studio"
            self.publish(f"roles/studio_{kebab(persona)}_arn", roles[persona].outputs.arn, description)

    def _notebook(self, key: str, notebook: Notebook) -> None:
        network = self.foundation.network.outputs
        instance = NotebookInstance(
            self,
            f"{key}_notebook",
            NotebookInstanceConfig(
                name=f"{self.prefix}{key}",
                role_arn=self._role(f"{key}-notebook", "DataScientist", Limits()).outputs.arn,
                subnet_id=network.subnet_ids[0],
                security_group_ids=network.security_group_ids,
                kms_key_arn=self.foundation.data_key.outputs.arn,
                notebook=notebook,
                **self.location,
            ),
        )
        self.publish("notebook_instances/{key}", instance.outputs.name, "Notebook instance", key=key)

    def _role(self, name: str, persona: Persona, limits: Limits) -> Role:
        """Make the role of a persona: what it may do, and the data that it works with."""
        foundation, network = self.foundation, self.foundation.network.outputs
        scope = PersonaScope(
            role_name=f"{self.prefix}{name}",
            prefix=self.prefix,
            subnet_ids=network.subnet_ids,
            security_group_ids=network.security_group_ids,
            kms_key_arn=foundation.data_key.outputs.arn,
            limits=limits,
            **self.location,
        )
        return Role(
            self,
            f"{name.replace('-', '_')}_role",
            RoleConfig(
                name=scope.role_name,
                description=f"Code of a {persona}",
                trust=SAGEMAKER,
                permissions_boundary_arn=foundation.boundary.outputs.arn,
                account_id=self.environment.account_id,
                partition=self.environment.partition,
                statements=statements(persona, scope),
                shared_policy_arns={"data": self.data.outputs.arn}
                if self.data and persona in ("DataScientist", "MlEngineer")
                else {},
            ),
        )

    def _data(self) -> Policy:
        """Make what all who build models share: artifacts, images, and what a job's container needs."""
        foundation = self.foundation
        return Policy(
            self,
            "studio_data",
            PolicyConfig(
                name=f"{self.prefix}studio-data",
                description="Artifacts and images that models are built with",
                statements=(
                    *foundation.artifacts.read(),
                    *foundation.artifacts.write(),
                    foundation.data_key.attach_volumes(),
                    *pull_all(self.prefix, **self.location),
                    *execution(log_group_names=("/aws/sagemaker/*",), **self.location),
                ),
            ),
        )

    def _image_role(self, *images: Image) -> Role:
        region, partition = self.environment.region, self.environment.partition
        return Role(
            self,
            "studio_images_role",
            RoleConfig(
                name=f"{self.prefix}studio-images",
                description="Fetches the container images of Studio",
                trust=SAGEMAKER,
                permissions_boundary_arn=self.foundation.boundary.outputs.arn,
                account_id=self.environment.account_id,
                partition=self.environment.partition,
                statements=tuple(
                    grant for image in images for grant in fetch(image.base_image, None, region, partition)
                ),
            ),
        )


def kebab(persona: Persona) -> str:
    """Return a persona as names have it: `ml-engineer`."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in persona).removeprefix(
        "-"
    )
