"""What Terraform says when the features of an existing group are not those of the configuration.

The provider replaces a group whose features change, and its data is gone with it: so Terraform must ignore
them. A live feature that the configuration has otherwise, or not at all, fails the plan; one that is not
live yet is a warning, since `sagewright features add` adds it.
https://github.com/hashicorp/terraform-provider-aws/issues/26809
"""

from __future__ import annotations

from cdktf import Postcondition, TerraformLocal, TerraformResource, TerraformStack

from .decisions import Feature

SIGNATURE = (
    'join(" ", compact([one.feature_type, one.collection_type, '
    'try(tostring(one.collection_config[0].vector_config[0].dimension), "")]))'
)
"""The same in Terraform's language, of a live feature named `one`."""


def signature(feature: Feature) -> str:
    """Return the type of a feature as one text: `Integral`, `String List`, `Fractional Vector 64`."""
    parts = (feature.type, feature.collection, feature.vector_dimension)
    return " ".join(str(part) for part in parts if part is not None)


def _name(local: TerraformLocal) -> str:
    return f"local.{local.friendly_unique_id}"


def keeps_live_features(configured: TerraformLocal) -> Postcondition:
    """Fail the plan when a live feature is not configured as it is.

    A group that is to be made has the features of the configuration, and passes.
    """
    broken = (
        "[for one in self.feature_definition : "
        f'"${{one.feature_name}} (${{{SIGNATURE}}})" '
        f'if lookup({_name(configured)}, one.feature_name, "") != {SIGNATURE}]'
    )
    return Postcondition(
        condition=f"${{length({broken}) == 0}}",
        error_message=f'${{self.feature_group_name}}: supply ${{join(", ", {broken})}}, as live, or a new '
        "version of the group; SageMaker neither changes nor removes a feature",
    )


def warn_of_missing_features(group: TerraformResource, configured: TerraformLocal) -> None:
    """Let each plan say which configured features are not live yet."""
    address = f"{group.terraform_resource_type}.{group.friendly_unique_id}"
    missing = f"setsubtract(keys({_name(configured)}), {address}.feature_definition[*].feature_name)"
    TerraformStack.of(group).add_override(
        f"check.{group.friendly_unique_id}_features.assert",
        {
            "condition": f"${{length({missing}) == 0}}",
            "error_message": f'${{{address}.feature_group_name}} lacks ${{join(", ", sort({missing}))}}: '
            "run `sagewright features add` to add what is missing",
        },
    )
