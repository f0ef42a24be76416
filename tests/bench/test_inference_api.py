"""The benchmark of the inference API asks what it says."""

from __future__ import annotations

from bench import inference_api


def test_the_handler_is_compared_with_the_endpoint_and_asked_through_the_api() -> None:
    with inference_api.embedded_aws() as url:
        address = inference_api.deploy(url)
        compared = inference_api.compare(url, 2, number_of_requests=5)
        asked = inference_api.through_api(address, 2, number_of_requests=5)
    assert compared["direct"]["requests"] == compared["handler"]["requests"] == 10
    assert compared["ratio"] == compared["handler"]["median"] / compared["direct"]["median"]
    assert asked["requests"] == 5 and asked["requests_per_second"] > 0
