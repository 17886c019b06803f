"""Kubernetes: each manifest fits the cluster's own schemas, holds its containers, and agrees with the code.

Where kubectl is, what kustomize makes of them is looked at as well.
"""

from pathlib import Path
from typing import Any, Final

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml

from starter.environment import NAMES
from starter.episode_worker import DRAIN
from starter.settings import Settings
from tests.deploy.plans import AUTOSCALED, BASE, VERSION, documents, env_file, of_the_machine, run
from workflows.names import TASK_QUEUE

CLUSTERS: Final = ("1.30", "1.33", "1.37")
"""The versions of Kubernetes whose schemas are asked."""

MANIFESTS: Final = documents(BASE)
SETTINGS: Final = env_file(BASE / "settings.env")
BY_NAME: Final = {(one["kind"], one["metadata"]["name"]): one for one in MANIFESTS}
PODS: Final[dict[str, dict[str, Any]]] = {
    one["metadata"]["name"]: one["spec"]["template"] for one in MANIFESTS if one["kind"] in ("Deployment", "Job")
}
CONTAINERS: Final = {name: pod["spec"]["containers"][0] for name, pod in PODS.items()}
OF_THE_SCALER: Final = {
    *("endpoint", "endpointFromEnv", "namespace", "taskQueue", "queueTypes", "targetQueueSize"),
    *("activationTargetQueueSize", "workerDeploymentName", "workerDeploymentBuildId", "minConnectTimeout"),
    *("unsafeSsl", "tlsServerName"),
}
"""What KEDA's Temporal scaler is told, from 2.17 on."""


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_each_manifest_fits_the_clusters_schemas(manifest: dict[str, Any], cluster: str) -> None:
    kubernetes_validate.validate(manifest, cluster, strict=True)
    assert "namespace" not in manifest["metadata"], "whoever deploys says where"


def test_the_image_is_of_this_version() -> None:
    plan = yaml.safe_load((BASE / "kustomization.yaml").read_text(encoding="utf-8"))
    assert plan["images"] == [{"name": "homeward", "newTag": VERSION}]
    assert plan["labels"][0]["pairs"]["app.kubernetes.io/version"] == VERSION
    assert {container["image"] for container in CONTAINERS.values()} == {"homeward"}


@pytest.mark.parametrize("name", PODS)
def test_each_pod_may_do_only_what_it_must(name: str) -> None:
    pod, container = PODS[name]["spec"], CONTAINERS[name]
    assert len(pod["containers"]) == 1
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for held in ("requests", "limits"):
        assert {"cpu", "memory"} == set(container["resources"][held])
    volumes = {one["name"]: one for one in pod["volumes"]}
    assert volumes["secrets"]["secret"]["secretName"] == f"homeward-{'owner' if name == 'homeward-setup' else 'app'}"
    assert {one["name"] for one in container["volumeMounts"]} == volumes.keys()


def test_what_they_are_told_are_settings_and_no_secrets() -> None:
    own = {one["name"] for container in CONTAINERS.values() for one in container.get("env", [])}
    assert (own | SETTINGS.keys()) <= NAMES
    assert SETTINGS["HOMEWARD_SECRETS_DIR"] == "/run/homeward"
    assert all(one["envFrom"] == [{"configMapRef": {"name": "homeward-settings"}}] for one in CONTAINERS.values())
    assert "Secret" not in {kind for kind, _ in BY_NAME}


def test_each_part_is_asked_how_it_is() -> None:
    api, worker = CONTAINERS["homeward-api"], CONTAINERS["homeward-worker"]
    watchdog = CONTAINERS["homeward-watchdog"]
    (port,) = watchdog["env"]
    assert port["name"] == "HOMEWARD_WATCH_METRICS_PORT"
    assert f":{port['value']}/metrics" in watchdog["livenessProbe"]["exec"]["command"][-1]
    for container in (api, worker, watchdog):
        assert {"startupProbe", "livenessProbe"} <= container.keys()
    assert api["readinessProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    assert "httpGet" not in api["livenessProbe"], "a service is not restarted because its database is away"
    (alive,) = worker["env"]
    assert alive["name"] == "HOMEWARD_WORKER_ALIVE_FILE"
    assert Path(alive["value"]).parent in {Path(one["mountPath"]) for one in worker["volumeMounts"]}
    assert alive["value"] in worker["livenessProbe"]["exec"]["command"][-1]
    assert PODS["homeward-worker"]["spec"]["terminationGracePeriodSeconds"] > DRAIN.total_seconds()


def test_ports_are_those_of_the_settings() -> None:
    port = Settings.model_fields["http_port"].default
    assert CONTAINERS["homeward-api"]["ports"] == [{"name": "http", "containerPort": port}]
    assert BY_NAME["Service", "homeward"]["spec"]["ports"][0]["targetPort"] == "http"
    ways_out = BY_NAME["NetworkPolicy", "homeward"]["spec"]["egress"][1]["ports"]
    wanted = {Settings.model_fields["engine_port"].default, 5432, 443, 587}
    assert {one["port"] for one in ways_out} == wanted
    service = BY_NAME["Service", "homeward"]
    assert (service["spec"]["ports"][0]["port"], SETTINGS["HOMEWARD_WATCH_SERVICE_URL"]) == (80, "http://homeward")
    assert SETTINGS["HOMEWARD_ENGINE_ADDRESS"].endswith(f":{Settings.model_fields['engine_port'].default}")


def test_what_chooses_pods_finds_them() -> None:
    chosen = {
        ("Service", "homeward"): {"homeward-api"},
        ("PodDisruptionBudget", "homeward-worker"): {"homeward-worker"},
        ("PodDisruptionBudget", "homeward-api"): {"homeward-api"},
        ("NetworkPolicy", "homeward"): {"homeward-api", "homeward-worker", "homeward-setup", "homeward-watchdog"},
        ("NetworkPolicy", "homeward-api"): {"homeward-api"},
        ("NetworkPolicy", "homeward-watchdog"): {"homeward-watchdog"},
        ("Deployment", "homeward-watchdog"): {"homeward-watchdog"},
        ("Deployment", "homeward-worker"): {"homeward-worker"},
        ("Deployment", "homeward-api"): {"homeward-api"},
    }
    for who, pods in chosen.items():
        spec = BY_NAME[who]["spec"]
        selector = spec.get("podSelector") or spec["selector"]
        labels = selector.get("matchLabels", selector)
        assert {name for name, pod in PODS.items() if labels.items() <= pod["metadata"]["labels"].items()} == pods, who


def test_workers_are_scaled_by_the_backlog_of_the_queue_that_they_work_on() -> None:
    (scaled,) = documents(AUTOSCALED)
    spec = scaled["spec"]
    assert (scaled["apiVersion"], scaled["kind"]) == ("keda.sh/v1alpha1", "ScaledObject")
    assert ("Deployment", spec["scaleTargetRef"]["name"]) in BY_NAME
    assert 2 <= spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"]
    assert [one["metadata"]["queueTypes"] for one in spec["triggers"]] == ["workflow", "activity"]
    for trigger in spec["triggers"]:
        about = trigger["metadata"]
        assert (trigger["type"], about.keys() <= OF_THE_SCALER) == ("temporal", True)
        assert about["taskQueue"] == TASK_QUEUE
        assert about["namespace"] == SETTINGS["HOMEWARD_ENGINE_NAMESPACE"]
        assert about["endpointFromEnv"] in SETTINGS
        assert all(isinstance(value, str) for value in about.values()), "KEDA takes words only"


@pytest.mark.skipif(of_the_machine("kubectl") is None, reason="no kubectl: kustomize's own work is not looked at")
@pytest.mark.parametrize("folder", [BASE, AUTOSCALED], ids=["base", "autoscaled"])
def test_kustomize_makes_of_them_what_was_looked_at(folder: Any) -> None:
    done = run("kubectl", "kustomize", str(folder))
    assert done.returncode == 0, done.stderr
    made = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(done.stdout)}
    settings = next(name for kind, name in made if kind == "ConfigMap")
    assert made["ConfigMap", settings]["data"] == SETTINGS
    extra = {("ScaledObject", "homeward-worker")} if folder == AUTOSCALED else set[tuple[str, str]]()
    assert made.keys() - {("ConfigMap", settings)} == BY_NAME.keys() | extra
    for name in PODS:
        kind = "Job" if name == "homeward-setup" else "Deployment"
        pod = made[kind, name]["spec"]["template"]["spec"]
        assert pod["containers"][0]["image"] == f"homeward:{VERSION}"
        assert pod["containers"][0]["envFrom"][0]["configMapRef"]["name"] == settings
        kubernetes_validate.validate(made[kind, name], CLUSTERS[-1], strict=True)
    assert ("replicas" in made["Deployment", "homeward-worker"]["spec"]) == (folder == BASE)
