from __future__ import annotations

import pytest

from regtools.analyses.book import provider_of
from regtools.analyses.prices import price_book
from regtools.errors import ConfigError
from regtools.registries import KINDS, detect_kind, registry_kind


@pytest.mark.parametrize(
    ("registry", "kind"),
    [
        ("ghcr.io", "ghcr"),
        ("docker.io", "dockerhub"),
        ("registry.gitlab.com", "gitlab"),
        ("registry.gitlab.example.com:5050", "gitlab"),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", "ecr"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "ecr"),
        ("public.ecr.aws", "ecr-public"),
        ("europe-west3-docker.pkg.dev", "artifactregistry"),
        ("eu.gcr.io", "artifactregistry"),
        ("harbourline.azurecr.io", "acr"),
        ("quay.io", "quay"),
        ("registry.example.com", "distribution"),
        ("127.0.0.1:5000", "distribution"),
        ("[::1]:5000", "distribution"),
        ("ghcr.io.evil.example", "distribution"),
        ("notquay.io", "distribution"),
    ],
)
def test_the_host_tells_the_kind(registry: str, kind: str) -> None:
    assert detect_kind(registry).name == kind


def test_a_header_tells_a_self_managed_gitlab() -> None:
    headers = {"Gitlab-Container-Registry-Version": "v4.5.0-gitlab"}
    assert detect_kind("images.example.com", headers=headers).name == "gitlab"


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        registry_kind("dockrhub")
    assert caught.value.code == "KIND_UNKNOWN"
    assert "dockerhub" in caught.value.remedy


def test_dedup_scopes_are_those_the_vendors_document() -> None:
    assert {kind.name: kind.dedup_scope for kind in KINDS.values()} == {
        "distribution": "registry",
        "ghcr": "unknown",
        "gitlab": "namespace",
        "dockerhub": "unknown",
        "ecr": "repository",
        "ecr-public": "repository",
        "artifactregistry": "repository",
        "harbor": "project",
        "acr": "registry",
        "quay": "namespace",
        "zot": "registry",
    }


def test_a_repository_links_to_joxits_page() -> None:
    url = registry_kind("distribution").web_url(
        "registry.example.com:5000", "team/app", "https://ui.example.com/"
    )
    assert url == (
        "https://ui.example.com/?url=https%3A%2F%2Fregistry.example.com%3A5000#!/taglist/team/app"
    )


@pytest.mark.parametrize(
    ("kind", "registry", "repository", "url"),
    [
        ("dockerhub", "docker.io", "grafana/grafana", "https://hub.docker.com/r/grafana/grafana"),
        ("quay", "quay.io", "org/app", "https://quay.io/repository/org/app"),
        ("ghcr", "ghcr.io", "acme/x/y", "https://github.com/acme?tab=packages&q=x%2Fy"),
    ],
)
def test_a_repository_links_to_the_vendors_page(
    kind: str, registry: str, repository: str, url: str
) -> None:
    assert registry_kind(kind).web_url(registry, repository) == url


@pytest.mark.parametrize("kind", ["distribution", "gitlab"])
def test_without_a_page_there_is_no_link(kind: str) -> None:
    """GitLab's API alone tells which part of a name is the project, and the repository's number."""
    assert registry_kind(kind).web_url("127.0.0.1:5000", "app") is None


def test_a_hostile_name_stays_inside_the_address() -> None:
    url = registry_kind("quay").web_url("quay.io", 'a/"><script>') or ""
    assert not set('"<>') & set(url)


@pytest.mark.parametrize(
    ("service", "kind"),
    [("harbor-registry", "harbor"), ("other", "distribution")],
)
def test_the_token_servers_name_tells_the_kind(service: str, kind: str) -> None:
    assert detect_kind("images.example.com", services=[service]).name == kind


@pytest.mark.parametrize(
    ("realm", "kind"),
    [
        ("https://gitlab.example.com/jwt/auth", "gitlab"),
        ("https://gitea.example.com/v2/token", "distribution"),
    ],
)
def test_gitlab_shares_its_services_name_with_gitea_but_not_its_address(
    realm: str, kind: str
) -> None:
    found = detect_kind("images.example.com", services=["container_registry"], realms=[realm])
    assert found.name == kind


def test_a_host_says_more_than_an_answer() -> None:
    assert detect_kind("quay.io", services=["harbor-registry"]).name == "quay"


@pytest.mark.parametrize(
    ("kind", "ui", "url"),
    [
        ("quay", None, "https://r.example/repository/acme/app/tag/{tag}"),
        ("quay", "https://ui.example/", "https://ui.example/repository/acme/app/tag/{tag}"),
        (
            "distribution",
            "https://ui.example",
            "https://ui.example/?url=https%3A%2F%2Fr.example#!/taghistory/image/acme/app/tag/{tag}",
        ),
        ("distribution", None, None),
        ("dockerhub", None, "https://hub.docker.com/r/acme/app/tags?name={tag}"),
        ("zot", "https://r.example", "https://r.example/image/acme%2Fapp/tag/{tag}"),
    ],
)
def test_a_tag_links_to_its_page(kind: str, ui: str | None, url: str | None) -> None:
    assert registry_kind(kind).tag_template("r.example", "acme/app", ui) == url


def test_an_image_on_ecr_links_to_its_page_in_the_console() -> None:
    console = "https://eu-west-1.console.aws.amazon.com/ecr/repositories/private/123456789012"
    assert registry_kind("ecr").tag_template(
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "acme/app"
    ) == (f"{console}/acme/app/_/image/{{digest}}/details?region=eu-west-1")


@pytest.mark.parametrize(
    ("kind", "ui", "url"),
    [
        ("quay", None, "https://r.example/repository/"),
        ("harbor", "https://ui.example", "https://ui.example/harbor/projects"),
        ("distribution", None, None),
        ("acr", "https://ui.example", "https://ui.example"),
        (
            "acr",
            None,
            (
                "https://portal.azure.com/#view/HubsExtension/BrowseResource/resourceType/"
                "Microsoft.ContainerRegistry%2Fregistries"
            ),
        ),
    ],
)
def test_a_registry_links_to_its_page(kind: str, ui: str | None, url: str | None) -> None:
    assert registry_kind(kind).registry_url("r.example", ui) == url


@pytest.mark.parametrize(
    ("realm", "kind"),
    [
        ("https://quay.example.com/v2/auth", "quay"),
        ("https://quay.example.com/v2/auth/more", "distribution"),
        ("https://[broken/v2/auth", "distribution"),
        ("", "distribution"),
    ],
)
def test_the_token_servers_path_tells_a_self_hosted_quay(realm: str, kind: str) -> None:
    assert detect_kind("images.example.com", realms=[realm]).name == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_leads_to_who_sends_the_bill(kind: str) -> None:
    hosts = {"gitlab": "registry.gitlab.com", "quay": "quay.io"}
    provider = provider_of(kind, hosts.get(kind, "registry.example.com"), price_book())
    assert provider is not None
    assert provider.plans
    own = {"acr", "artifactregistry", "dockerhub", "ecr", "ecr-public", "ghcr", "gitlab", "quay"}
    assert provider.key == (kind if kind in own else "selfhosted")


@pytest.mark.parametrize("kind", ["gitlab", "quay"])
def test_what_people_run_themselves_is_billed_as_a_machine(kind: str) -> None:
    provider = provider_of(kind, "registry.example.com", price_book())
    assert provider is not None
    assert provider.key == "selfhosted"
