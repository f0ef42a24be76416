"""Measure the inference API's handler under concurrent requests: bench/results/inference_api.json.

Two tables, both against one embedded AWS. First: processes that each ask the endpoint directly and by the
handler in turns, one request after the other, as Lambda runs a function; the ratio of the medians is what the
handler costs. Second: the same request over HTTP, through API Gateway and Lambda of the embedded AWS, which
are no measure of those of AWS, but show what concurrency does.
What is compared runs in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from rich.console import Console
from rich.table import Table

from bench.synth import BUSY
from tools import setup

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results" / "inference_api.json"
ACCOUNT, REGION, HOST = "111122223333", "eu-west-1", "127.0.0.1"
ENDPOINT = "churn"
CONCURRENCY = (1, 2, 4, 8)
REQUESTS = 200
"""For each process or thread, after those that are not counted."""
UNCOUNTED = 20
BODY = json.dumps({"instances": [[number / 7 for number in range(30)]]})
JSON = {"Content-Type": "application/json"}
START_SECONDS = 60

Milliseconds = list[float]


@contextlib.contextmanager
def embedded_aws() -> Iterator[str]:
    """Run an embedded AWS of its own; give its address."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with socket.socket() as free:
            free.bind((HOST, 0))
            port: int = free.getsockname()[1]
        command = [str(setup.PYTHON), "-m", "sagewright.local", "--folder", folder, "--port", str(port)]
        server = subprocess.Popen(command, cwd=ROOT)
        url = f"http://{HOST}:{port}"
        try:
            wait_for(f"{url}/sagewright/status", server)
            yield url
        finally:
            server.terminate()
            server.wait()


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until somebody answers; raises `SystemExit` when nobody will."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.1)
    raise SystemExit("bench: the embedded AWS did not start")


def variables(url: str) -> dict[str, str]:
    """Return the environment of the handler and of clients."""
    route = {
        "endpoint_name": ENDPOINT,
        "kind": "RealTime",
        "content_types": ["application/json"],
        "max_payload_bytes": 4_000_000,
        "timeout_seconds": 25,
        "target_variants": [],
        "target_models": [],
        "input_s3_uri": None,
        "output_s3_uri": None,
        "failure_s3_uri": None,
    }
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "POWERTOOLS_SERVICE_NAME": "inference-api",
        "POWERTOOLS_METRICS_NAMESPACE": "Bench",
        "ROUTES": json.dumps({"churn": route}),
    }


def client(service: str, url: str) -> Any:
    """Return a client that asks once."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="embedded",
        config=Config(retries={"total_max_attempts": 1}),
    )


def deploy(url: str) -> str:
    """Create an endpoint, the function and the API before it; return the API's address."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    roles = {}
    for service in ("sagemaker", "lambda"):
        statement = {**trust, "Principal": {"Service": f"{service}.amazonaws.com"}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made = client("iam", url).create_role(RoleName=service, AssumeRolePolicyDocument=document)
        roles[service] = made["Role"]["Arn"]
    sagemaker = client("sagemaker", url)
    image = f"999988887777.dkr.ecr.{REGION}.amazonaws.com/churn@sha256:{'a' * 64}"
    sagemaker.create_model(
        ModelName="churn", ExecutionRoleArn=roles["sagemaker"], PrimaryContainer={"Image": image}
    )
    variant = {"VariantName": "all", "ModelName": "churn", "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="churn", ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="churn")
    functions = client("lambda", url)
    function = functions.create_function(
        FunctionName="inference-api",
        Runtime="python3.13",
        Handler="inference_api.handler.handle",
        Role=roles["lambda"],
        Code={"ZipFile": code()},
        Timeout=29,
        MemorySize=1024,
        Environment={"Variables": {k: v for k, v in variables(url).items() if not k.startswith("AWS_")}},
    )["FunctionArn"]
    functions.add_permission(
        FunctionName="inference-api",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    apis = client("apigateway", url)
    api = apis.create_rest_api(name="inference")["id"]
    root = apis.get_resources(restApiId=api)["items"][0]["id"]
    resource = apis.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]
    place = {"restApiId": api, "resourceId": resource, "httpMethod": "POST"}
    apis.put_method(**place, authorizationType="AWS_IAM")
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"
    apis.put_integration(**place, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    apis.create_deployment(restApiId=api, stageName="live")
    return f"{url}/restapis/{api}/live/_user_request_/endpoints/churn/invocations"


def code() -> bytes:
    """Return the function's code as an archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path in sorted((ROOT / "runtime" / "inference_api").glob("*.py")):
            archive.write(path, f"inference_api/{path.name}")
    return made.getvalue()


class Context:
    """What Lambda tells the handler."""

    function_name = "inference-api"
    memory_limit_in_mb = 1024
    invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:inference-api"
    aws_request_id = "bench"


def in_turns(url: str, number_of_requests: int, barrier: Barrier, results: Any) -> None:
    """Ask directly and by the handler in turns; run in a process of its own."""
    os.environ.update(variables(url))
    sys.path.insert(0, str(ROOT / "runtime"))
    sys.stdout = io.StringIO()  # metrics and the log, which Lambda takes as fast as a file
    import inference_api.handler  # type: ignore[import-not-found]

    endpoint = client("sagemaker-runtime", url)
    event = {
        "path": "/endpoints/churn/invocations",
        "httpMethod": "POST",
        "headers": JSON,
        "requestContext": {"requestId": "bench"},
        "body": BODY,
    }

    def directly() -> None:
        endpoint.invoke_endpoint(EndpointName=ENDPOINT, ContentType="application/json", Body=BODY)[
            "Body"
        ].read()

    def by_handler() -> None:
        assert inference_api.handler.handle(event, Context())["statusCode"] == 200

    barrier.wait()
    taken: dict[str, Milliseconds] = {"direct": [], "handler": []}
    for number in range(UNCOUNTED + number_of_requests):
        for name, ask in (("direct", directly), ("handler", by_handler)):
            milliseconds = timed(ask)
            if number >= UNCOUNTED:
                taken[name].append(milliseconds)
    results.put(taken)


def timed(ask: Any) -> float:
    """Return how many milliseconds a request took."""
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000


def compare(url: str, concurrency: int, number_of_requests: int = REQUESTS) -> dict[str, Any]:
    """Run so many processes at once; return both distributions and their ratio."""
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(concurrency), spawn.Queue()
    arguments = (url, number_of_requests, barrier, results)
    processes = [spawn.Process(target=in_turns, args=arguments) for _ in range(concurrency)]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    all_ = {name: [one for taken in found for one in taken[name]] for name in ("direct", "handler")}
    told: dict[str, Any] = {name: distribution(taken) for name, taken in all_.items()}
    told["ratio"] = told["handler"]["median"] / told["direct"]["median"]
    return {"concurrency": concurrency, **told}


def through_api(address: str, concurrency: int, number_of_requests: int = REQUESTS) -> dict[str, Any]:
    """Ask over HTTP by so many threads at once; return the distribution, and how many are answered."""
    credentials = Credentials(ACCOUNT, "embedded")

    def ask() -> None:
        request = AWSRequest("POST", address, data=BODY, headers=JSON)
        SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
        answer = requests.post(address, data=BODY, headers=dict(request.headers), timeout=60)
        assert answer.status_code == 200, answer.text

    with ThreadPoolExecutor(concurrency) as threads:
        for uncounted in [threads.submit(ask) for _ in range(UNCOUNTED)]:
            uncounted.result()
        started = time.perf_counter()
        taken = list(threads.map(lambda _: timed(ask), range(number_of_requests)))
        seconds = time.perf_counter() - started
    return {
        "concurrency": concurrency,
        **distribution(taken),
        "requests_per_second": number_of_requests / seconds,
    }


def distribution(taken: Milliseconds) -> dict[str, float]:
    """Return median and 95th percentile in milliseconds, and the number of requests."""
    return {
        "median": statistics.median(taken),
        "p95": statistics.quantiles(taken, n=20)[-1],
        "requests": len(taken),
    }


def show(console: Console, results: Mapping[str, Any]) -> None:
    """Print both tables."""
    console.print("A request to a real-time endpoint: directly, and by the handler")
    table = Table()
    for column in ("processes", "direct ms", "p95", "handler ms", "p95", "ratio"):
        table.add_column(column, justify="right")
    for row in results["handler"]:
        figures = [row[name][what] for name in ("direct", "handler") for what in ("median", "p95")]
        cells = (f"{row['concurrency']}", *(f"{figure:.1f}" for figure in figures), f"{row['ratio']:.2f}")
        table.add_row(*cells)
    console.print(table)
    console.print("The same over HTTP, through API Gateway and Lambda of the embedded AWS")
    table = Table()
    for column in ("threads", "ms", "p95", "requests/s"):
        table.add_column(column, justify="right")
    for row in results["api"]:
        figures = [row["median"], row["p95"], row["requests_per_second"]]
        table.add_row(f"{row['concurrency']}", *(f"{figure:.1f}" for figure in figures))
    console.print(table)


def main() -> int:
    """Measure, print, write."""
    console = Console()
    machine = {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_average_before": os.getloadavg()[0],
    }
    if os.getloadavg()[0] > BUSY:
        console.print(f"[yellow]the machine is busy, load {os.getloadavg()[0]:.1f}: trust the ratios only[/]")
    with embedded_aws() as url:
        address = deploy(url)
        handler, api = [], []
        for concurrency in CONCURRENCY:
            with console.status(f"{concurrency} at once"):
                handler.append(compare(url, concurrency))
                api.append(through_api(address, concurrency))
    results = {"machine": machine, "handler": handler, "api": api}
    show(console, results)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {RESULTS.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
