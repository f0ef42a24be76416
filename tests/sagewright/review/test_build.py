"""From plans to the parts of a review."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policies.plan.model import Unanswered
from sagewright.cost import Amount, Cost, Row
from sagewright.gate.catalog import Catalog
from sagewright.gate.report import Override
from sagewright.registry import Version
from sagewright.review.build import Judged, build
from sagewright.review.model import Review, VariantChange
from sagewright.synth import Place
from tests.sagewright.gate.conftest import TAGS, Json, plan, planned

from .conftest import TODAY, ReviewOf, read_plan, report, result, version

PACKAGE = "arn:aws:sagemaker:eu-central-1:111122223333:model-package/churn"


def test_stacks_are_counted_by_what_happens(review: ReviewOf) -> None:
    outputs = {
        "a": {"actions": ["update"], "before": 1, "after": 2},
        "b": {"actions": ["no-op"], "before": 1, "after": 1},
    }
    document = plan(
        planned("aws_s3_bucket.new"),
        planned("aws_s3_bucket.changed", actions=["update"]),
        planned("aws_s3_bucket.replaced", actions=["delete", "create"]),
        planned("aws_s3_bucket.gone", actions=["delete"]),
        planned("aws_s3_bucket.dropped", actions=["forget"]),
        planned("aws_s3_bucket.same", actions=["no-op"]),
        output_changes=outputs,
    )
    document["resource_changes"][-1]["previous_address"] = "aws_s3_bucket.earlier"
    made = review(document, results=[result(), result(mode="advise"), result(state="waived")])
    (row,) = made.stacks
    assert (row.add, row.change, row.replace, row.destroy, row.forget, row.move, row.outputs) == (1,) * 7
    assert (row.denied, row.advised, row.waived, row.errors) == (1, 1, 1, 0)
    assert (made.verdict, row.digest) == ("denied", "digest of prod-serving")


def loss(review: ReviewOf, type_: str, before: Json, **more: Any) -> Any:
    made = review(plan(planned(f"{type_}.a", {}, before=before, **{"actions": ["delete"], **more})))
    (one,) = made.losses
    return one


def test_a_replaced_domain_tells_what_forces_it_and_whose_homes_are_orphaned(review: ReviewOf) -> None:
    before = {
        "domain_name": "acme",
        "home_efs_file_system_id": "fs-1",
        "retention_policy": [{"home_efs_file_system": "Retain"}],
    }
    more = {"actions": ["delete", "create"], "replace_paths": [["auth_mode"]]}
    one = loss(review, "aws_sagemaker_domain", before, **more)
    assert (one.action, one.name, one.forced_by) == ("replace", "acme", ("auth_mode",))
    assert one.why == "`auth_mode` cannot be changed in place"
    assert one.means.startswith("the home folders of all its users are orphaned: `fs-1` is kept")
    before["retention_policy"] = [{"home_efs_file_system": "Delete"}]
    one = loss(review, "aws_sagemaker_domain", before, **more)
    assert one.means.startswith("the home folders of all its users are deleted with `fs-1`")


def test_a_deleted_feature_group_tells_which_store_goes(review: ReviewOf) -> None:
    before = {
        "feature_group_name": "acme",
        "online_store_config": [{"enable_online_store": True}],
        "offline_store_config": [{"s3_storage_config": [{"s3_uri": "s3://acme/f"}]}],
    }
    said = loss(review, "aws_sagemaker_feature_group", before).means
    assert said == (
        "the records of its online store are deleted at once; "
        "its offline store in `s3://acme/f` stays, and nothing writes to it any more"
    )


@pytest.mark.parametrize(
    ("type_", "before", "said"),
    [
        ("aws_kms_key", {"deletion_window_in_days": 7}, "after `7` days, whatever it encrypted"),
        ("aws_s3_bucket", {"bucket": "a", "force_destroy": True}, "all objects and versions are deleted"),
        ("aws_ecr_repository", {"name": "a"}, "ECR refuses while there is an image in it"),
        ("aws_sagemaker_model_package_group", {}, "model versions and their approvals cannot be made"),
        ("aws_dynamodb_table", {"name": "a"}, "the items are deleted with it"),
    ],
)
def test_what_a_loss_means_follows_its_settings(
    review: ReviewOf, type_: str, before: Json, said: str
) -> None:
    assert loss(review, type_, before).means.startswith(said)


def test_the_gate_is_asked_whether_it_denies_a_loss(review: ReviewOf) -> None:
    document = plan(planned("aws_kms_key.a", {}, actions=["delete"]))
    denied = result(rule="SW_STATEFUL_DELETE", address="aws_kms_key.a")
    assert [one.denied for one in review(document, results=[denied]).losses] == [True]
    assert [one.denied for one in review(document).losses] == [False]


def endpoint(weights: tuple[int, int], number: int, **more: Any) -> list[Any]:
    """Return a configuration of two variants, their models, and the endpoint that gets it."""
    variants = [
        {
            "variant_name": name,
            "model_name": name,
            "initial_variant_weight": weight,
            "initial_instance_count": 2,
            "instance_type": "ml.m5.large",
        }
        for name, weight in zip(("a", "b"), weights, strict=True)
    ]
    return [
        planned(
            f"aws_sagemaker_endpoint_configuration.v{number}",
            {"name": f"v{number}", "production_variants": variants},
            **more,
        )
    ]


def model(name: str, number: int, actions: list[str], before: int | None = None) -> Any:
    def values(version_: int) -> Json:
        package = [{"model_package_name": f"{PACKAGE}/{version_}"}]
        return {"name": name, "primary_container": package, "tags_all": dict(TAGS)}

    prior = None if before is None else values(before)
    return planned(f"aws_sagemaker_model.{name}", values(number), actions=actions, before=prior)


def moved_traffic(rollout: Json | None = None) -> Json:
    config = [
        {
            "blue_green_update_policy": [{"traffic_routing_configuration": [rollout]}],
            "auto_rollback_configuration": [{"alarms": [{"alarm_name": "x"}]}],
        }
    ]
    deployment = {"deployment_config": config} if rollout else {}
    return plan(
        *endpoint((95, 5), 1, actions=["delete"]),
        *endpoint((80, 20), 2),
        model("a", 1, ["no-op"]),
        model("b", 3, ["update"], before=2),
        planned(
            "aws_sagemaker_endpoint.churn",
            {"name": "churn", "endpoint_config_name": "v2", **deployment},
            actions=["update"],
            before={"name": "churn", "endpoint_config_name": "v1", **deployment},
        ),
    )


def variants(made: Review) -> dict[str, VariantChange]:
    return {variant.name: variant for traffic in made.traffic for variant in traffic.variants}


def test_traffic_is_told_by_shares_capacity_and_versions(review: ReviewOf) -> None:
    made = review(moved_traffic(), versions=version)
    one = variants(made)["b"]
    assert one.before and one.after
    assert (one.before.share_percent, one.after.share_percent) == (5.0, 20.0)
    assert one.after.capacity == "2 \N{MULTIPLICATION SIGN} ml.m5.large"
    assert (one.before.served[0].name, one.after.served[0].name) == (f"{PACKAGE}/2", f"{PACKAGE}/3")
    assert (one.after.served[0].approval, dict(one.after.served[0].metrics)) == ("Approved", {"auc": "0.9"})
    assert [traffic.moved_percent for traffic in made.traffic] == [20.0]


def test_a_version_of_which_nothing_is_known_says_why(review: ReviewOf) -> None:
    def silent(arn: str) -> Version:
        raise Unanswered("the approval", "no credentials")

    one = variants(review(moved_traffic(), versions=silent))["b"]
    assert one.after and one.after.served[0].approval == "not known: no credentials"


@pytest.mark.parametrize(
    ("rollout", "said"),
    [
        (None, "onto a second fleet, all at once; no alarm turns it back"),
        (
            {
                "type": "CANARY",
                "canary_size": [{"type": "CAPACITY_PERCENT", "value": 10}],
                "wait_interval_in_seconds": 900,
            },
            "`10` % of a second fleet first, all the rest after `900` s; 1 alarm can turn it back",
        ),
        (
            {
                "type": "LINEAR",
                "linear_step_size": [{"type": "INSTANCE_COUNT", "value": 1}],
                "wait_interval_in_seconds": 60,
            },
            "onto a second fleet in steps of `1` instances, `60` s apart; 1 alarm can turn it back",
        ),
    ],
)
def test_the_way_from_fleet_to_fleet_is_told(review: ReviewOf, rollout: Json | None, said: str) -> None:
    assert [one.rollout for one in review(moved_traffic(rollout)).traffic] == [said]


def test_an_endpoint_that_stays_as_it_is_is_not_told_of(review: ReviewOf) -> None:
    values = {"name": "churn", "endpoint_config_name": "v1", "tags": {"a": "b"}}
    document = plan(
        *endpoint((95, 5), 1, actions=["no-op"]),
        planned("aws_sagemaker_endpoint.churn", values, actions=["update"], before={**values, "tags": None}),
    )
    assert review(document).traffic == ()


def test_an_endpoint_that_goes_leaves_its_callers_with_errors(review: ReviewOf) -> None:
    values = {"name": "churn", "endpoint_config_name": "v1"}
    document = plan(
        *endpoint((95, 5), 1, actions=["delete"]),
        planned("aws_sagemaker_endpoint.churn", {}, actions=["delete"], before=values),
    )
    (one,) = review(document).traffic
    assert one.rollout == "its callers get errors from then on"
    assert [variant.after for variant in one.variants] == [None, None]


def changed(before: Json, after: Json, **more: Any) -> Json:
    return plan(planned("aws_ssm_parameter.a", after, actions=["update"], before=before, **more))


def told(made: Review) -> dict[str, tuple[str, str]]:
    return {
        one.path: (one.before.text, one.after.text)
        for group in made.changes
        for change in group.changes
        for one in change.attributes
    }


def test_documents_in_texts_are_compared_as_documents(review: ReviewOf) -> None:
    before = {"policy": json.dumps({"Statement": [{"Sid": "A", "x": 1}, {"Sid": "B", "x": 1}]})}
    after = {"policy": json.dumps({"Statement": [{"x": 2, "Sid": "B"}, {"x": 1, "Sid": "A"}]}, indent=2)}
    assert told(review(changed(before, after))) == {"policy.Statement[B].x": ("1", "2")}


def test_elements_come_and_go(review: ReviewOf) -> None:
    made = review(changed({"subnets": ["a", "b", "c"]}, {"subnets": ["c", "a", "d"]}))
    rows = [
        (one.path, one.before.text, one.after.text)
        for group in made.changes
        for change in group.changes
        for one in change.attributes
    ]
    assert rows == [("subnets[]", "b", ""), ("subnets[]", "", "d")]


def test_what_means_nothing_is_no_change(review: ReviewOf) -> None:
    before: Json = {"a": None, "b": [], "c": {}, "tags_all": {**TAGS, "x": "y"}, "d": "1"}
    after = {"a": "", "b": None, "c": None, "d": "2"}
    assert told(review(changed(before, after))) == {"d": ("1", "2")}


def test_what_only_an_apply_tells_is_said_so(review: ReviewOf) -> None:
    known = {"references": ["aws_kms_key.k.arn", "aws_kms_key.k"]}
    made = review(
        changed(
            {"kms_key_id": "old", "arn": "x"},
            {"arn": None},
            unknown={"kms_key_id": True, "arn": True},
            expressions={"kms_key_id": known},
        )
    )
    assert told(made) == {"kms_key_id": ("old", "known after apply, from aws_kms_key.k.arn")}


def test_long_values_are_cut_and_line_breaks_shown(review: ReviewOf) -> None:
    ((_, after),) = told(review(changed({"text": "a"}, {"text": "b\n`" + "c" * 500}))).values()
    assert after.startswith("b\N{RETURN SYMBOL}'c") and after.endswith("…") and len(after) == 401


def test_what_ends_comes_first_and_constructs_keep_together(tmp_path: Path, catalog: Catalog) -> None:
    document = plan(
        planned("aws_s3_bucket.a"),
        planned("aws_kms_key.k", actions=["delete"]),
        planned("aws_s3_bucket_policy.a"),
    )
    places = {
        "aws_s3_bucket.a": Place(
            construct="prod-serving/data/this", lines=("modules/b.py:1", "stacks/s.py:9")
        ),
        "aws_s3_bucket_policy.a": Place(construct="prod-serving/data/policy", lines=()),
    }
    read = replace(read_plan(document, tmp_path), places=places)
    made = build([Judged(report=report(), plans=[read])], catalog, TODAY)
    groups = [(group.construct, [one.address for one in group.changes]) for group in made.changes]
    assert groups == [
        ("aws_kms_key.k", ["aws_kms_key.k"]),
        ("prod-serving/data", ["aws_s3_bucket.a", "aws_s3_bucket_policy.a"]),
    ]
    assert [one.line for group in made.changes for one in group.changes] == ["", "stacks/s.py:9", ""]


def test_drift_is_put_together_and_leaves_out_what_nobody_configured(review: ReviewOf) -> None:
    def drifted(name: str, before: Json, after: Json | None) -> Json:
        actions = ["update"] if after is not None else ["delete"]
        change = {"actions": actions, "before": before, "after": after}
        return {
            "address": f"aws_s3_bucket.{name}",
            "mode": "managed",
            "type": "aws_s3_bucket",
            "change": change,
        }

    more: Json = {"expressions": {"days": {"constant_value": 7}}, "actions": ["update"]}
    document = plan(
        *(planned(f"aws_s3_bucket.{name}", {"days": 7}, **more) for name in "abc"),
        resource_drift=[
            drifted("a", {"days": 7, "policy": "x"}, {"days": 1, "policy": "y"}),
            drifted("b", {"days": 7}, {"days": 2}),
            drifted("c", {"days": 7, "policy": "x"}, {"days": 7, "policy": "y"}),
            drifted("d", {"days": 7}, None),
        ],
    )
    found = [(one.action, one.attributes, one.addresses) for one in review(document).drift]
    assert found == [
        ("changed", ("days",), ("aws_s3_bucket.a", "aws_s3_bucket.b")),
        ("deleted", (), ("aws_s3_bucket.d",)),
    ]


def test_waivers_count_their_days(review: ReviewOf) -> None:
    waiver = "A load test, for a week (ml@acme.example, until 2030-01-08)"
    waived = result(state="waived", waiver=waiver, ticket="ML-1", waived_in="stacks/serving.py:9")
    (one,) = review(plan(planned("aws_s3_bucket.a")), results=[waived]).waivers
    assert (one.reason, one.owner, one.days_left) == ("A load test, for a week", "ml@acme.example", 7)
    assert (one.ticket, one.written) == ("ML-1", "stacks/serving.py:9")


def test_an_override_tells_who_opened_what_and_is_no_failure(tmp_path: Path, catalog: Catalog) -> None:
    opened = result(
        rule="SW_STATEFUL_DELETE", mode="deny unless overridden", override="x", address="aws_kms_key.a"
    )
    override = Override(rule=opened.rule, reason="The key is unused", group="leads", approver="arn:a")
    judged = Judged(
        report=replace(report(opened), overrides=(override,)),
        plans=[read_plan(plan(planned("aws_kms_key.a", {}, actions=["delete"])), tmp_path)],
    )
    made = build([judged], catalog, TODAY)
    (one,) = made.overrides
    assert (one.reason, one.group, one.approver) == ("The key is unused", "leads", "arn:a")
    assert (made.failures, made.verdict, made.gates[0].overridden) == ((), "open", 1)
    assert [loss.denied for loss in made.losses] == [False]


def test_references_make_edges_over_stacks_too(review: ReviewOf) -> None:
    foundation = plan(
        planned("aws_kms_key.k"),
        tags={**TAGS, "Stack": "foundation"},
    )
    for one in foundation["resource_changes"]:
        one["change"]["after"]["tags_all"]["Stack"] = "foundation"
    for one in foundation["planned_values"]["root_module"]["resources"]:
        one["values"]["tags_all"]["Stack"] = "foundation"
    foundation["configuration"]["root_module"]["outputs"] = {
        "key": {"expression": {"references": ["aws_kms_key.k.arn", "aws_kms_key.k"]}}
    }
    serving = plan(
        planned("aws_s3_bucket.b", {"bucket": "b"}),
        planned("aws_s3_bucket_policy.p", {}, expressions={"bucket": {"references": ["aws_s3_bucket.b.id"]}}),
        planned(
            "aws_sagemaker_model.m",
            {},
            expressions={"x": [{"references": ["data.terraform_remote_state.f.outputs.key"]}]},
        ),
    )
    serving["configuration"]["root_module"]["resources"].append(
        {
            "address": "data.terraform_remote_state.f",
            "mode": "data",
            "type": "terraform_remote_state",
            "name": "f",
            "expressions": {"config": {"constant_value": {"key": "states/prod-foundation.tfstate"}}},
        }
    )
    made = review(foundation, serving)
    assert {(edge.source, edge.target) for edge in made.edges} == {
        ("prod-serving/aws_s3_bucket_policy.p", "prod-serving/aws_s3_bucket.b"),
        ("prod-serving/aws_sagemaker_model.m", "prod-foundation/aws_kms_key.k"),
    }
    assert {node.id for node in made.nodes} >= {edge.target for edge in made.edges}


def priced(name: str, before: Amount | None, after: Amount | None, unknown: str = "") -> Row:
    return Row(
        address=name, type="aws_x", what="2 x ml.m5.large", before=before, after=after, unknown=unknown
    )


def usd(low: float, high: float | None = None) -> Amount:
    return Amount(low_usd_per_month=low, high_usd_per_month=low if high is None else high)


def test_costs_are_added_up_and_what_changes_comes_first(review: ReviewOf) -> None:
    rows = (
        priced("aws_x.same", usd(500), usd(500)),
        priced("aws_x.less", usd(9), usd(1)),
        priced("aws_x.more", usd(0), usd(90, 100)),
        priced("aws_x.what", None, None, "no price"),
    )
    cost = Cost(
        rows=rows,
        before=usd(509),
        after=usd(591, 601),
        unknown=1,
        source="https://aws.amazon.com",
        price_date=TODAY,
        stale=False,
    )
    costs = {"prod-serving": cost}
    made = review(plan(planned("aws_s3_bucket.a")), costs=costs)
    assert made.cost and made.cost.after == usd(591, 601) and made.cost.unknown == 1
    assert [row.address for row in made.cost.rows] == ["aws_x.more", "aws_x.less", "aws_x.same", "aws_x.what"]
    assert made.stacks[0].before == usd(509)


def test_several_environments_make_one_review(tmp_path: Path, catalog: Catalog) -> None:
    judged = [
        Judged(report=report(name=name), plans=[read_plan(plan(planned("aws_s3_bucket.a")), tmp_path)])
        for name in ("prod", "staging")
    ]
    made = build(judged, catalog, TODAY)
    assert [row.environment for row in made.stacks] == ["prod", "staging"]
    assert made.digest != build(judged[:1], catalog, TODAY).digest


def test_the_worst_verdict_is_the_reviews(tmp_path: Path, catalog: Catalog) -> None:
    error = result(state="error", rule="SW_GATE", stack="", address="")
    reports = [report(), report(error), report(result())]
    made = build([Judged(report=one, plans=[]) for one in reports], catalog, TODAY)
    assert made.verdict == "error"
    assert [one.denies for one in made.failures] == [True, True]
