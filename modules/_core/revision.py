"""A name that is new whenever an immutable resource is made anew."""

from __future__ import annotations

from collections.abc import Mapping

from cdktf import TerraformResource, TerraformResourceLifecycle
from constructs import Construct

from .places import remember


class Revision(TerraformResource):
    """Eight random hexadecimal digits, drawn again when the content changes.

    AWS refuses to make a resource under a name that is taken, and create-before-destroy makes the new
    one while the old one lives. A hash of the content would do until a failed rollout is reverted: the
    content, and so the name, would be that of the object which is still there.
    https://developer.hashicorp.com/terraform/language/resources/terraform-data
    """

    def __init__(self, scope: Construct, id_: str, content: Mapping[str, object]) -> None:
        super().__init__(
            scope,
            id_,
            terraform_resource_type="terraform_data",
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        remember(self, scope, id_)
        self.add_override("triggers_replace", dict(content))

    @property
    def suffix(self) -> str:
        """The digits, for the end of a name."""
        return f"${{substr({self.fqn}.id, 0, 8)}}"
