"""A CronJob with its volume. Source: kubernetes.io, CronJob v1 and Pod Security Standards
(restricted), 1.31 and later, 2026-11."""

from __future__ import annotations

import shlex
from typing import Final

from regtools.scheduling.plan import Definition, Night, checked_name
from regtools.scheduling.repository import image_of, yaml

SETTINGS: Final = "/etc/regtools/regtools.toml"
"""Where the pod finds its settings."""

_TEXT: Final = """\
# {name}.yaml: regtools reads the registries and makes the reports, every night at {at:%H:%M} {zone}.
#
#     kubectl create namespace {namespace}
#     kubectl -n {namespace} create configmap {name}-settings --from-file=regtools.toml={config}
{create_secret}{create_pull_secret}#     kubectl apply -f {name}.yaml
#     kubectl -n {namespace} create job --from=cronjob/{name} {name}-now      # try it now
#
# Alert: a finding (exit code 1), wrong settings (2) or a run that could not finish (3) makes the
#     Job fail; kube-state-metrics tells that as kube_job_status_failed.
# Kubernetes 1.31 or later; the pod keeps to the Pod Security Standard `restricted`.
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {name}
  namespace: {namespace}
  labels: {{app.kubernetes.io/name: {name}}}
spec:
  # History and reports stay here between the nights.
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 10Gi
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {name}
  namespace: {namespace}
  labels: {{app.kubernetes.io/name: {name}}}
spec:
  schedule: "{time}"
  timeZone: {zone_text}
  # Once at a time. A night that was missed is made up for within four hours.
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 14400
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 3
  jobTemplate:
    metadata:
      labels: {{app.kubernetes.io/name: {name}}}
    spec:
      # What could not finish goes on from where it stopped; a finding or a wrong setting stays.
      backoffLimit: 2
      podFailurePolicy:
        rules:
          - action: FailJob
            onExitCodes:
              containerName: regtools
              operator: In
              values: [1, 2]
      activeDeadlineSeconds: 21600
      template:
        metadata:
          labels: {{app.kubernetes.io/name: {name}}}
        spec:
          restartPolicy: Never
          # It asks registries, not the cluster.
          automountServiceAccountToken: false
          enableServiceLinks: false
          securityContext:
            runAsNonRoot: true
            runAsUser: 10001
            runAsGroup: 10001
            fsGroup: 10001
            fsGroupChangePolicy: OnRootMismatch
            seccompProfile:
              type: RuntimeDefault
          containers:
            - name: regtools
              image: {image}
              command: [regtools, run, --quiet, --config, {settings}]
              env:
{environment}
              securityContext:
                allowPrivilegeEscalation: false
                readOnlyRootFilesystem: true
                capabilities:
                  drop: [ALL]
              resources:
                requests: {{cpu: 500m, memory: 1Gi}}
                limits: {{memory: 4Gi}}
              volumeMounts:
                - {{name: data, mountPath: /data}}
                - {{name: tmp, mountPath: /tmp}}
                - {{name: settings, mountPath: /etc/regtools, readOnly: true}}
{mounts}          volumes:
            - name: data
              persistentVolumeClaim:
                claimName: {name}
            - name: tmp
              emptyDir: {{}}
            - name: settings
              configMap:
                name: {name}-settings
{volumes}"""
_MOUNT: Final = (
    "                - {name: pull-secret, mountPath: /run/pull-secret, readOnly: true}\n"
)
_VOLUME: Final = """\
            - name: pull-secret
              secret:
                secretName: {secret}
                defaultMode: 0440
"""


def kubernetes(
    night: Night,
    *,
    image: str,
    namespace: str = "regtools",
    zone: str = "Etc/UTC",
    pull_secret: str | None = None,
) -> Definition:
    """Give the CronJob and its volume.

    Parameters
    ----------
    image
        An image that holds regtools.
    zone
        The time zone in which the night's time is meant.
    pull_secret
        Name of a Secret of type ``kubernetes.io/dockerconfigjson`` to read credentials from.

    Raises
    ------
    ConfigError
        A name cannot be one of Kubernetes.
    InvalidReferenceError
        The image's name is none.
    """
    checked_name(namespace, "A namespace")
    if pull_secret is not None:
        checked_name(pull_secret, "A Secret")
    variables = [("HOME", "/tmp"), ("REGTOOLS_REPORTS", "/data/reports/")]  # noqa: S108 - the pod's own
    if not night.is_history_in_bucket:
        variables.append(("REGTOOLS_HISTORY", "/data/history/"))
    if pull_secret:
        variables.append(("REGTOOLS_PULL_SECRET", "/run/pull-secret/.dockerconfigjson"))
    plain = [f"                - {{name: {key}, value: {value}}}" for key, value in variables]
    secret = [
        f"                - name: {one}\n                  valueFrom:\n"
        f"                    secretKeyRef: {{name: {night.name}-secrets, key: {one}}}"
        for one in night.secrets
    ]
    text = _TEXT.format(
        name=night.name,
        namespace=namespace,
        at=night.at,
        time=night.cron_time,
        zone=zone,
        zone_text=yaml(zone),
        config=shlex.quote(night.config),
        create_secret=_create_secret(night, namespace),
        create_pull_secret=(
            f"#     kubectl -n {namespace} create secret docker-registry {pull_secret} "
            "--from-file=.dockerconfigjson=config.json\n"
            if pull_secret
            else ""
        ),
        image=yaml(image_of(image)),
        settings=SETTINGS,
        environment="\n".join([*plain, *secret]),
        mounts=_MOUNT if pull_secret else "",
        volumes=_VOLUME.format(secret=pull_secret) if pull_secret else "",
    )
    return Definition(place=f"{night.name}.yaml", text=text)


def _create_secret(night: Night, namespace: str) -> str:
    if not night.secrets:
        return ""
    files = " ".join(f"--from-file={one}=./{one}" for one in night.secrets)
    return (
        f"#     kubectl -n {namespace} create secret generic {night.name}-secrets {files}"
        "      # a file each, without a line end\n"
    )
