"""AWS WAF in front of an API's stage: managed rules, a limit for each address, a size cap, and its log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from constructs import Construct

from .._aws.wafv2_web_acl import (
    Wafv2WebAcl,
    Wafv2WebAclCustomResponseBody,
    Wafv2WebAclDefaultAction,
    Wafv2WebAclDefaultActionAllow,
    Wafv2WebAclRule,
)
from .._aws.wafv2_web_acl_association import Wafv2WebAclAssociation
from .._aws.wafv2_web_acl_logging_configuration import (
    Wafv2WebAclLoggingConfiguration,
    Wafv2WebAclLoggingConfigurationRedactedFields,
    Wafv2WebAclLoggingConfigurationRedactedFieldsQueryString,
    Wafv2WebAclLoggingConfigurationRedactedFieldsSingleHeader,
)
from .decisions import Firewall

COMMON = "AWSManagedRulesCommonRuleSet"
GROUPS = (COMMON, "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesAmazonIpReputationList")
"""https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html"""

SECRET_HEADERS = ("authorization", "cookie", "x-amz-security-token", "x-api-key")
"""What the firewall's log never has; WAF writes no bodies into it."""
LOG_PREFIX = "aws-waf-logs-"
"""With which the name of a log group begins that WAF writes to.

https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
"""


def protect(
    scope: Construct,
    *,
    name: str,
    stage_arn: str,
    log_group_arn: str,
    firewall: Firewall,
    max_payload_bytes: int,
) -> None:
    """Put a firewall in front of a stage."""
    acl = Wafv2WebAcl(
        scope,
        "firewall",
        name=name,
        description=f"In front of the API {name}",
        scope="REGIONAL",
        default_action=Wafv2WebAclDefaultAction(allow=Wafv2WebAclDefaultActionAllow()),
        custom_response_body=[
            _body("too_large", "PAYLOAD_TOO_LARGE", "the payload is larger than any route takes"),
            _body("too_many", "THROTTLED", "too many requests came from this address"),
        ],
        rule=list(_rules(firewall, max_payload_bytes)),
        visibility_config=_seen(name),
    )
    Wafv2WebAclAssociation(scope, "firewall_association", resource_arn=stage_arn, web_acl_arn=acl.arn)
    Wafv2WebAclLoggingConfiguration(
        scope,
        "firewall_logging",
        resource_arn=acl.arn,
        log_destination_configs=[log_group_arn],
        redacted_fields=[
            *(
                Wafv2WebAclLoggingConfigurationRedactedFields(
                    single_header=Wafv2WebAclLoggingConfigurationRedactedFieldsSingleHeader(name=header)
                )
                for header in SECRET_HEADERS
            ),
            Wafv2WebAclLoggingConfigurationRedactedFields(
                query_string=Wafv2WebAclLoggingConfigurationRedactedFieldsQueryString()
            ),
        ],
    )


def larger_than(number: int) -> str:
    """Return a regular expression of the decimal numbers above one: a length is a text in a header.

    For 4096 that is a longer one, or 409[7-9], 4[1-9]xx, [5-9]xxx: any digits of which the first that differs
    is greater.
    """
    digits = str(number)
    greater = [
        f"{digits[:place]}[{int(digit) + 1}-9]\\d{{{len(digits) - place - 1}}}"
        for place, digit in enumerate(digits)
        if digit != "9"
    ]
    longer = f"[1-9]\\d{{{len(digits)},}}"
    return f"^({'|'.join((longer, *greater))})$"


def _body(key: str, code: str, message: str) -> Wafv2WebAclCustomResponseBody:
    """Return what is answered, as the function answers; WAF knows the request by no number."""
    error = {"code": code, "message": message, "request_id": None}
    return Wafv2WebAclCustomResponseBody(
        key=key, content_type="APPLICATION_JSON", content=json.dumps({"error": error})
    )


def _rules(firewall: Firewall, max_payload_bytes: int) -> Iterator[Wafv2WebAclRule]:
    """Yield the rules in the order in which they are asked: the cheapest first."""
    yield Wafv2WebAclRule(
        name="size",
        priority=0,
        action={
            "block": {"custom_response": {"response_code": 413, "custom_response_body_key": "too_large"}}
        },
        statement={
            "regex_match_statement": {
                "regex_string": larger_than(max_payload_bytes),
                "field_to_match": {"single_header": {"name": "content-length"}},
                "text_transformation": [{"priority": 0, "type": "NONE"}],
            }
        },
        visibility_config=_seen("size"),
    )
    retry = {"name": "Retry-After", "value": "300"}
    yield Wafv2WebAclRule(
        name="rate",
        priority=1,
        action={
            "block": {
                "custom_response": {
                    "response_code": 429,
                    "custom_response_body_key": "too_many",
                    "response_header": [retry],
                }
            }
        },
        statement={
            "rate_based_statement": {
                "aggregate_key_type": "IP",
                "evaluation_window_sec": 300,
                "limit": firewall.requests_per_address_per_5_minutes,
            }
        },
        visibility_config=_seen("rate"),
    )
    for place, group in enumerate(GROUPS, 2):
        counted = firewall.counted_common_rules if group == COMMON else ()
        yield Wafv2WebAclRule(
            name=group,
            priority=place,
            override_action={"none": {}},
            statement={
                "managed_rule_group_statement": {
                    "vendor_name": "AWS",
                    "name": group,
                    "rule_action_override": [
                        {"name": rule, "action_to_use": {"count": {}}} for rule in sorted(counted)
                    ],
                }
            },
            visibility_config=_seen(group),
        )


def _seen(metric_name: str) -> dict[str, Any]:
    """Return that requests are counted, and that none is kept as a sample: samples have headers."""
    return {
        "metric_name": metric_name,
        "cloudwatch_metrics_enabled": True,
        "sampled_requests_enabled": False,
    }
