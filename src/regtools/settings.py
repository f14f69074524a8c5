"""`regtools.toml`, the environment above it, and what a target's name means.

The file is looked for in the working folder and its parents, then in the user's configuration
folder. ``REGTOOLS_<FIELD>`` stands above the file. A secret never stands in the file: it holds
references only (see `regtools.credentials`).
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from regtools.credentials import check_reference
from regtools.errors import ConfigError, InvalidReferenceError
from regtools.reference import Target, may_carry_secrets, parse_target
from regtools.registries import registry_kind
from regtools.thresholds import Thresholds
from regtools.units import parse_bytes

FILE_NAME: Final = "regtools.toml"
CONFIG_VARIABLE: Final = "REGTOOLS_CONFIG"
"""Names the settings file for a process and those it starts: the kernels of reports."""


class RegistrySettings(BaseModel):
    """One ``[registries.NAME]`` of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    """``host[:port][/namespace]`` or ``http(s)://…``."""
    kind: str | None = None
    api_url: str | None = None
    ui_url: str | None = None
    username: str | None = None
    password: str | None = None
    api_token: str | None = None
    """Reference to a token for the vendor's API, where that wants another one than the registry."""
    archived: bool = False
    """Whether the bytes of archived images are summed too (Amazon ECR)."""
    ca_file: Path | None = None
    allowed_realms: tuple[str, ...] = ()
    """Hosts of token servers, beside the registry's own, that may see the credential."""


class NotifySettings(BaseModel):
    """One ``[run.notify.NAME]`` of the file: who is told of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["webhook", "slack", "email"]
    when: Literal["always", "finding", "failure"] = "finding"
    """``finding``: of findings and of failures; ``failure``: of what could not be finished."""
    url: str | None = None
    """Reference to the address of a webhook: the address itself is a secret."""
    host: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = None
    """References, as for a registry."""
    sender: str | None = None
    to: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "email":
            missing = [name for name in ("host", "sender", "to") if not getattr(self, name)]
            if missing:
                raise ValueError(f"e-mail needs {', '.join(missing)}")
            if self.password and self.security == "none":
                raise ValueError("a password is not sent in the clear: use starttls or tls")
        elif not self.url:
            raise ValueError(f"{self.kind} needs url, a reference")
        return self


class RunSettings(BaseModel):
    """``[run]`` of the file: what `regtools run` does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    registries: tuple[str, ...] = ()
    """Names from the settings; empty: all."""
    diagnose: bool = True
    check_blobs: bool = False
    reports: tuple[str, ...] = ("all",)
    pdf: bool = False
    """Whether each page is printed as PDF, too."""
    fail_on: Literal["warning", "critical", "never"] = "critical"
    time_limit: str = "4h"
    """For everything: a number and s, m, h or d."""
    notebook_limit: str = "30m"
    """For one notebook."""
    keep_reports: Annotated[int, Field(ge=1)] = 90
    """How many of each report stay."""
    publish: str | None = None
    """Folder or bucket where reports go too."""
    metrics: Path | None = None
    """A file for Prometheus' textfile collector."""
    notify: dict[str, NotifySettings] = Field(default_factory=dict)


class Settings(BaseSettings):
    """What stands in the file and the environment."""

    model_config = SettingsConfigDict(env_prefix="REGTOOLS_", extra="forbid", frozen=True)

    history: str = "history/"
    reports: str = "reports/"
    connections: Annotated[int, Field(ge=1, le=256)] = 32
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 30
    run: RunSettings = RunSettings()
    thresholds: Thresholds = Thresholds()
    """From when on the health report says something."""
    price_folder: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("regtools", appauthor=False) / "prices"
    )
    """Where editions of the price book are that `regtools prices refresh` wrote."""
    price_apis: dict[str, str] = Field(default_factory=dict)
    """Other addresses of the price APIs (``aws``, ``azure``, ``google``): a mirror."""
    prices: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Tables by provider that are laid over the price book."""
    registries: dict[str, RegistrySettings] = Field(default_factory=dict)

    _source: Path | None = PrivateAttr(default=None)

    @field_validator("thresholds", mode="before")
    @classmethod
    def _sizes(cls, value: object) -> object:
        """Read sizes that are texts, such as ``2GB``."""
        if not isinstance(value, dict):
            return value
        return {
            key: _size(key, one) if key.endswith("_bytes") and isinstance(one, str) else one
            for key, one in value.items()
        }

    @property
    def source(self) -> Path | None:
        """The file that was read, None if there is none."""
        return self._source

    def located(self, file: Path | None) -> Self:
        """Remember the file that was read."""
        self._source = file
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `load_settings` gives: it alone says which environment counts."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def _size(key: str, text: str) -> int:
    try:
        return parse_bytes(text)
    except ConfigError as error:
        raise ConfigError(
            f"The threshold {key} cannot be used: {error.summary}",
            code="THRESHOLD_INVALID",
            remedy=error.remedy,
        ) from error


def load_settings(
    config: Path | None = None,
    *,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings.

    Parameters
    ----------
    config
        The file; left out: the one that ``REGTOOLS_CONFIG`` names, else looked for.

    Raises
    ------
    ConfigError
        Codes ``CONFIG_MISSING`` (the file named is not there), ``CONFIG_INVALID`` (not TOML, an
        unknown key, a value of the wrong kind), ``THRESHOLD_INVALID`` and ``SECRET_INLINE``.
    """
    variables = os.environ if environ is None else environ
    named = variables.get(CONFIG_VARIABLE)
    file = config or (Path(named) if named else _find(cwd or Path.cwd()))
    content = _read(file) if file else {}
    settings = _build(content, file, variables)
    for name, registry in settings.registries.items():
        _check_registry(name, registry)
    for name, receiver in settings.run.notify.items():
        for field in ("url", "username", "password"):
            value = getattr(receiver, field)
            if value is not None:
                check_reference(
                    value, where=f"run.notify.{name}.{field}", is_secret=field != "username"
                )
    return settings


def resolve_target(text: str, settings: Settings) -> tuple[Target, RegistrySettings]:
    """Give what a name on the command line means: a configured registry, or an address.

    An address on the host of a configured registry takes that registry's settings, where only
    one has this host.

    Raises
    ------
    InvalidReferenceError
        It is neither.
    """
    if text in settings.registries:
        own = settings.registries[text]
        return parse_target(own.url), own
    try:
        target = parse_target(text)
    except InvalidReferenceError as error:
        near = get_close_matches(text, settings.registries, n=1)
        if near:
            error.remedy = f"Did you mean {near[0]!r}, from {settings.source}?"
        raise
    same = [
        own
        for own in settings.registries.values()
        if parse_target(own.url).registry == target.registry
    ]
    return target, same[0] if len(same) == 1 else RegistrySettings(url=text)


def split_reference(image: str, settings: Settings) -> tuple[str, str | None]:
    """Take the tag or digest off an image; before a path stands a configured name's address.

    Examples
    --------
    >>> split_reference("registry.example.com/team/app:1.4", Settings())
    ('registry.example.com/team/app', '1.4')
    """
    name, slash, path = image.partition("/")
    if name in settings.registries and slash:
        image = f"{settings.registries[name].url.rstrip('/')}/{path}"
    head, slash, last = image.rpartition("/")
    if not slash or head.endswith(":/"):
        return image, None
    before, at, digest = last.partition("@")
    if at:
        return f"{head}/{before.partition(':')[0]}", digest
    before, colon, tag = last.partition(":")
    return f"{head}/{before}", tag if colon else None


def _find(folder: Path) -> Path | None:
    folders = [folder, *folder.parents, platformdirs.user_config_path("regtools", appauthor=False)]
    return next((f / FILE_NAME for f in folders if (f / FILE_NAME).is_file()), None)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"There is no settings file {file}.", code="CONFIG_MISSING") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}.") from error
    return _relative_to(file.absolute().parent, content)


def _relative_to(folder: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Make the file's own paths absolute: they are meant from where the file lies."""
    for name in ("history", "reports", "price_folder"):
        if isinstance(content.get(name), str) and "://" not in content[name]:
            content[name] = str(folder / Path(content[name]).expanduser())
    run = content.get("run")
    if isinstance(run, dict):
        for name in ("metrics", "publish"):
            if isinstance(run.get(name), str) and "://" not in run[name]:
                run[name] = str(folder / Path(run[name]).expanduser())
    registries = content.get("registries")
    for registry in registries.values() if isinstance(registries, dict) else ():
        if not isinstance(registry, dict):
            continue
        if isinstance(registry.get("ca_file"), str):
            registry["ca_file"] = str(folder / Path(registry["ca_file"]).expanduser())
        for name in ("username", "password", "api_token"):
            kind, colon, path = str(registry.get(name, "")).partition(":")
            if colon and kind in ("file", "kubernetes"):
                registry[name] = f"{kind}:{folder / Path(path).expanduser()}"
    return content


def _build(content: dict[str, Any], file: Path | None, environ: Mapping[str, str]) -> Settings:
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): value for name, value in environ.items()}
    try:
        return Settings.model_validate({**content, **source()}).located(file)
    except ValidationError as error:
        raise _explained(error, file) from None
    except SettingsError as error:
        raise ConfigError(f"The environment (REGTOOLS_…) cannot be used: {error}.") from error


def _explained(error: ValidationError, file: Path | None) -> ConfigError:
    """Say which key is wrong and why, without the value: it may be a secret in the wrong place."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    place = str(file) if file else "the environment (REGTOOLS_…)"
    if first["type"] not in ("extra_forbidden", "unexpected_keyword_argument"):
        return ConfigError(f"{where} in {place} cannot be used: {first['msg']}.")
    fields = _fields_at(first["loc"])
    near = get_close_matches(str(first["loc"][-1]), fields, n=1)
    return ConfigError(
        f"{where} in {place} is not a setting.",
        remedy=f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(fields)}.",
    )


def _fields_at(place: tuple[int | str, ...]) -> Mapping[str, Any]:
    """Give the keys that are known where a key is not."""
    if place[0] == "thresholds":
        return {field.name: field for field in dataclasses.fields(Thresholds)}
    if place[0] == "run":
        return (RunSettings if len(place) <= len(("run", "key")) else NotifySettings).model_fields
    return (RegistrySettings if len(place) > 1 else Settings).model_fields


def _check_registry(name: str, registry: RegistrySettings) -> None:
    try:
        parse_target(registry.url)
    except InvalidReferenceError as error:
        raise ConfigError(
            f"registries.{name}.url cannot be used: {error.summary}", remedy=error.remedy
        ) from error
    if registry.kind is not None:
        registry_kind(registry.kind)
    for field in ("username", "password", "api_token"):
        value = getattr(registry, field)
        if value is not None:
            check_reference(
                value, where=f"registries.{name}.{field}", is_secret=field != "username"
            )
    if registry.api_url is not None:
        _check_api_url(name, registry.api_url)


def _check_api_url(name: str, url: str) -> None:
    """Refuse an address to which a credential would go in the clear."""
    parts = urlsplit(url)
    is_safe = may_carry_secrets(parts.scheme, parts.hostname or "")
    if not is_safe or "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError(
            f"registries.{name}.api_url is no address of an API.",
            remedy="Write https://host/path; http:// is for this machine only.",
        )
