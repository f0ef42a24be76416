"""What people decide about an API: its routes, who may call, how often, from where, under which name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Literal

from .._core import ByKind, at_least, at_most, distinct, matches, not_empty, record, refuse, unresolved, when
from .._core.checks import no_longer_than

ROUTE = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
CONTENT_TYPE = r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+"
POOL_ARN = r"arn:aws[a-z-]*:cognito-idp:[a-z0-9-]+:\d{12}:userpool/[\w-]+"
FUNCTION_ARN = r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[a-zA-Z0-9_-]+(:[a-zA-Z0-9_$-]+)?"
CERTIFICATE_ARN = r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[a-z0-9-]+"
HTTPS_URL = r"https://[a-z0-9.-]+(:\d+)?(/[\w./~%-]*)?"
HEADER = r"[A-Za-z0-9-]+"
DOMAIN = r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}"

INPUT_REFERENCE = "application/vnd.sagewright.input+json"
"""Content type that names an upload in place of a payload."""

LARGEST_PAYLOAD = 4_500_000
"""Lambda takes 6 MB, of which base64 leaves three quarters.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""
LONGEST_INVOCATION_SECONDS = 27
"""API Gateway gives up after 29 s, and the function has to say so before.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""


@record
class Route:
    """One endpoint as callers see it: `/endpoints/<route>/invocations`."""

    endpoint: str
    """Key of the endpoint."""
    content_types: tuple[str, ...] = ("application/json", "text/csv")
    """What may be sent, in lower case; anything else is refused with 415."""
    max_payload_bytes: int = 4_000_000
    """Largest payload of a request, 1 to 4,500,000 bytes; what is larger is uploaded, which only an
    asynchronous endpoint takes."""
    timeout_seconds: int = 25
    """How long the endpoint may take for an answer, 1 to 27 s: then 504. An asynchronous one only has to take
    the request in that time."""
    target_variants: tuple[str, ...] = ()
    """Variants that a caller may choose by `X-Target-Variant`; none, by default."""
    target_models: tuple[str, ...] = ()
    """Models of a multi-model endpoint that a caller may choose by `X-Target-Model`, such as
    `europe.tar.gz`; none, by default."""

    def __post_init__(self) -> None:
        refuse(
            not_empty("content_types", self.content_types),
            distinct("content_types", self.content_types),
            distinct("target_variants", self.target_variants),
            distinct("target_models", self.target_models),
            *(matches("content_types", one, CONTENT_TYPE, "application/json") for one in self.content_types),
            when(
                INPUT_REFERENCE in self.content_types,
                f"content_types: remove {INPUT_REFERENCE}, which every asynchronous route takes",
            ),
            at_least("max_payload_bytes", self.max_payload_bytes, 1),
            at_most("max_payload_bytes", self.max_payload_bytes, LARGEST_PAYLOAD),
            at_least("timeout_seconds", self.timeout_seconds, 1),
            at_most("timeout_seconds", self.timeout_seconds, LONGEST_INVOCATION_SECONDS),
        )


@record
class Sigv4:
    """Callers sign with credentials of AWS; IAM decides who may call which route.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/permissions.html
    """

    kind: Literal["Sigv4"] = "Sigv4"


@record
class CognitoJwt:
    """Callers bring a token of a Cognito user pool.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html
    """

    kind: Literal["CognitoJwt"] = "CognitoJwt"
    user_pool_arns: tuple[str, ...]
    """Pools whose tokens count."""
    scopes: tuple[str, ...] = ()
    """Scopes of which an access token needs one, such as `models/invoke`; without any, identity tokens count,
    those of every user of the pools."""

    def __post_init__(self) -> None:
        example = "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_AbCdEfGhI"
        refuse(
            not_empty("user_pool_arns", self.user_pool_arns),
            distinct("user_pool_arns", self.user_pool_arns),
            *(matches("user_pool_arns", arn, POOL_ARN, example) for arn in self.user_pool_arns),
            distinct("scopes", self.scopes),
        )


@record
class OidcJwt:
    """Callers bring a signed token of an OpenID provider; a function of this module looks at it.

    API Gateway knows such tokens in HTTP APIs only, which take no firewall and no usage plan.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vs-rest.html
    """

    kind: Literal["OidcJwt"] = "OidcJwt"
    issuer: str
    """The provider, exactly as the claim `iss` names it, such as `https://login.acme.example`."""
    audiences: tuple[str, ...]
    """What the claim `aud` must have one of."""
    jwks_uri: str | None = None
    """Where the provider's keys are; by default its discovery document says so."""
    required_scopes: tuple[str, ...] = ()
    """Scopes that a token must have, all of them."""
    result_ttl_seconds: int = 300
    """For how long a token that was looked at is not looked at again, 0 to 3600 s: that long, one that was
    revoked still counts."""

    def __post_init__(self) -> None:
        refuse(
            matches("issuer", self.issuer, HTTPS_URL, "https://login.acme.example"),
            matches("jwks_uri", self.jwks_uri, HTTPS_URL, "https://login.acme.example/keys"),
            not_empty("audiences", self.audiences),
            distinct("audiences", self.audiences),
            distinct("required_scopes", self.required_scopes),
            at_least("result_ttl_seconds", self.result_ttl_seconds, 0),
            at_most("result_ttl_seconds", self.result_ttl_seconds, 3600),
        )


@record
class LambdaAuthorizer:
    """A function of yours decides, by one header, and answers with an IAM policy.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
    """

    kind: Literal["LambdaAuthorizer"] = "LambdaAuthorizer"
    function_arn: str
    """The function, of the API's own account and region; API Gateway is allowed to call it."""
    header: str = "Authorization"
    """Header that the function gets; without it, a request is refused unseen."""
    result_ttl_seconds: int = 300
    """For how long an answer counts for the same header, 0 to 3600 s."""

    def __post_init__(self) -> None:
        refuse(
            matches(
                "function_arn",
                self.function_arn,
                FUNCTION_ARN,
                "arn:aws:lambda:eu-west-1:111122223333:function:authorize",
            ),
            matches("header", self.header, HEADER, "Authorization"),
            at_least("result_ttl_seconds", self.result_ttl_seconds, 0),
            at_most("result_ttl_seconds", self.result_ttl_seconds, 3600),
        )


Authentication = Annotated[Sigv4 | CognitoJwt | OidcJwt | LambdaAuthorizer, ByKind()]


@record
class Regional:
    """The API is on the internet."""

    kind: Literal["Regional"] = "Regional"


@record
class Private:
    """The API is reached through VPC endpoints for `execute-api` alone.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html
    """

    kind: Literal["Private"] = "Private"
    vpc_endpoint_ids: tuple[str, ...] = ()
    """VPC endpoints through which it is called; by default that of the environment's own network."""

    def __post_init__(self) -> None:
        refuse(
            distinct("vpc_endpoint_ids", self.vpc_endpoint_ids),
            *(
                matches("vpc_endpoint_ids", one, r"vpce-[0-9a-f]{8,17}", "vpce-0a1b2c3d4e5f67890")
                for one in self.vpc_endpoint_ids
            ),
        )


Access = Annotated[Regional | Private, ByKind()]


@record
class Throttling:
    """How many requests are taken at all; more are refused with 429.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
    """

    rate_limit_per_second: int = 50
    """Requests in a second, for as long as one likes."""
    burst_limit: int = 100
    """Requests at once."""

    def __post_init__(self) -> None:
        refuse(
            at_least("rate_limit_per_second", self.rate_limit_per_second, 1),
            at_least("burst_limit", self.burst_limit, 1),
        )


@record
class Quota:
    """How many requests a usage plan has."""

    limit: int
    period: Literal["DAY", "WEEK", "MONTH"]

    def __post_init__(self) -> None:
        refuse(at_least("limit", self.limit, 1))


@record
class UsagePlan:
    """How often the holders of some keys may call; a key tells who is counted, never who is allowed.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
    """

    api_keys: tuple[str, ...]
    """Names of its keys, one for each caller; AWS makes their values."""
    throttling: Throttling = Throttling()
    """For each key."""
    quota: Quota | None = None
    """For each key; none, by default."""

    def __post_init__(self) -> None:
        refuse(
            not_empty("api_keys", self.api_keys),
            distinct("api_keys", self.api_keys),
            *(matches("api_keys", key, ROUTE, "call-centre") for key in self.api_keys),
        )


@record
class Domain:
    """The API under a name of yours, by TLS 1.2 and later alone; its own name is then switched off.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html
    """

    name: str
    """Such as `models.acme.example`."""
    certificate_arn: str
    """ACM certificate for that name, in the API's region."""
    hosted_zone_id: str | None = None
    """Route 53 zone that the name is made in; without it, make an alias to the output `domain_target`."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, DOMAIN, "models.acme.example"),
            no_longer_than("name", self.name, 253),
            matches(
                "certificate_arn",
                self.certificate_arn,
                CERTIFICATE_ARN,
                "arn:aws:acm:eu-west-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab",
            ),
            matches("hosted_zone_id", self.hosted_zone_id, r"[A-Z0-9]{1,32}", "Z0123456789ABCDEFGHIJ"),
        )


@record
class Firewall:
    """AWS WAF: rules of AWS against known attacks and bad addresses, a limit for each address, a size cap.

    https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
    """

    requests_per_address_per_5_minutes: int = 2000
    """More from one address are refused with 429, 10 to 2,000,000,000."""
    counted_common_rules: tuple[str, ...] = ("SizeRestrictions_BODY",)
    """Rules of the group AWSManagedRulesCommonRuleSet that only count: that one would refuse payloads above
    8 kB, and others may take a text that a model reads for an attack, such as `CrossSiteScripting_BODY`."""

    def __post_init__(self) -> None:
        refuse(
            at_least("requests_per_address_per_5_minutes", self.requests_per_address_per_5_minutes, 10),
            at_most(
                "requests_per_address_per_5_minutes", self.requests_per_address_per_5_minutes, 2_000_000_000
            ),
            distinct("counted_common_rules", self.counted_common_rules),
            *(
                matches("counted_common_rules", one, r"[A-Za-z0-9_]+", "CrossSiteScripting_BODY")
                for one in self.counted_common_rules
            ),
        )


@record
class Function:
    """The function between API Gateway and SageMaker."""

    memory_mb: int = 512
    """128 to 10,240 MB; processor time grows with it."""
    reserved_concurrency: int = 50
    """Requests at once, kept free for it alone, and as many for what looks at OIDC tokens. An account has
    1000 in a region, by default, of which 100 must be left."""

    def __post_init__(self) -> None:
        refuse(
            at_least("memory_mb", self.memory_mb, 128),
            at_most("memory_mb", self.memory_mb, 10_240),
            at_least("reserved_concurrency", self.reserved_concurrency, 1),
        )


@record
class ApiThresholds:
    """From which values on somebody is told, in three of five minutes."""

    error_5xx_percent: float = 1.0
    """Share of the requests that were answered with a 5XX status, above 0 to 100 %."""
    latency_p99_milliseconds: int = 10_000
    """Slowest hundredth of the answers, from the first byte that came to the last that went."""
    throttled_invocations_per_minute: int = 1
    """Requests that found all of the function's concurrency in use."""

    def __post_init__(self) -> None:
        refuse(
            at_least("error_5xx_percent", self.error_5xx_percent, 0.001),
            at_most("error_5xx_percent", self.error_5xx_percent, 100),
            at_least("latency_p99_milliseconds", self.latency_p99_milliseconds, 1),
            at_least("throttled_invocations_per_minute", self.throttled_invocations_per_minute, 1),
        )


@record
class Api:
    """All decisions on an API in front of endpoints.

    It answers no `OPTIONS`, since scripts of web pages are not among its callers: there is no method that
    does not ask who calls.
    """

    routes: Mapping[str, Route]
    """What callers can reach, by the name in the path."""
    authentication: Authentication
    """How callers prove who they are; there is no way without."""
    access: Access = Regional()
    """Where the API is reached from."""
    throttling: Throttling = Throttling()
    """For all callers together."""
    usage_plans: Mapping[str, UsagePlan] = field(default_factory=dict)
    """Plans by name; with one, every request needs a key of some plan, in the header `x-api-key`."""
    domain: Domain | None = None
    """A name of yours; by default that of AWS."""
    firewall: Firewall | None = Firewall()
    """What refuses attacks; `null` for nothing."""
    function: Function = Function()
    """The function that calls the endpoints."""
    alarms: ApiThresholds | None = ApiThresholds()
    """When somebody is told; `null` for never."""

    def __post_init__(self) -> None:
        keys = tuple(key for plan in self.usage_plans.values() for key in plan.api_keys)
        refuse(
            not_empty("routes", self.routes),
            *(matches("routes: name", name, ROUTE, "churn") for name in self.routes),
            *(matches("usage_plans: name", name, ROUTE, "partners") for name in self.usage_plans),
            distinct("usage_plans: api_keys", keys),
            when(
                self.domain and isinstance(self.access, Private),
                "domain: remove it where access is Private, whose names are those of the VPC endpoints",
            ),
            *self._beyond_all(),
        )

    def _beyond_all(self) -> Iterator[str | None]:
        """Yield plans that promise more than the API takes at all."""
        most = self.throttling
        for name, plan in self.usage_plans.items():
            for limit in ("rate_limit_per_second", "burst_limit"):
                value, highest = getattr(plan.throttling, limit), getattr(most, limit)
                yield when(
                    not unresolved((value, highest)) and value > highest,
                    f"usage_plans.{name}.throttling.{limit}: supply at most that of the API, {highest}, "
                    f"got {value}",
                )
