"""Settings: from the environment or `.env`, checked all at once, never changed while running."""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import PydanticCustomError

from service.core.egress import is_near
from service.core.spending import TOKENS_ELSEWHERE, Tariff
from service.errors import SettingsError

# A command may be run from anywhere: what belongs to the shop stands beside the code.
ROOT = Path(__file__).resolve().parent.parent
OPENAI = "https://api.openai.com/v1"
_LINE = ("LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN")
_REDIS_URLS = (
    r"(rediss?|unix)://.+",
    r"rediss?\+sentinel://[^/?]+/[^/?]+(/\d*)?(\?.*)?",
    r"rediss?\+cluster://[^/?]+(/0?)?(\?.*)?",
)
_SECRETS = ("LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "REDIS_URL", "OPENAI_API_KEY", "HENJI_NOTIFY")


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _read_prices(value: object) -> object:
    prices = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*,\s*(\d+(?:\.\d+)?)\s*", str(value), re.ASCII)
    if prices is None:
        raise PydanticCustomError("prices", "must be two prices, of tokens sent and received: 0.15, 0.60")
    return float(prices[1]), float(prices[2])


def _split_addresses(value: object) -> object:
    """Split at commas, spaces and newlines, but only where the next address begins: one may hold a comma itself."""
    if not isinstance(value, str):
        return value
    return tuple(part for part in re.split(r"[\s,]+(?=[A-Za-z][\w+.-]*://)", value.strip(" \t\r\n,")))


def _are_addresses(value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for number, address in enumerate(value, 1):
        if not re.match(r"[A-Za-z][\w+.-]*://", address.get_secret_value()):
            raise PydanticCustomError(
                "addresses", "address {number} must begin as slack://… or mailto://… does", {"number": number}
            )
    return value


def _holds_a_secret(value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not value:
        raise PydanticCustomError("no_secret", "holds no secret")
    return value


def _is_redis_url(value: SecretStr | None) -> SecretStr | None:
    if value and not any(re.fullmatch(kind, value.get_secret_value()) for kind in _REDIS_URLS):
        raise PydanticCustomError(
            "redis_url",
            "must be redis://, rediss://, unix://, redis+sentinel://host,host/<master's name>/<db>"
            " or redis+cluster://host,host",
        )
    return value


def _is_base_url(value: str | None) -> str | None:
    if value and not re.fullmatch(r"https?://[^/\s]+", value):
        raise PydanticCustomError("base_url", "must be http(s)://host[:port] without a slash at the end")
    return value


def _is_http_url(value: str | None) -> str | None:
    if value and not re.match(r"https?://[^/\s]", value):
        raise PydanticCustomError("http_url", "must begin with http:// or https://")
    return value


def _is_public_url(value: str | None) -> str | None:
    if value and not re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d{1,5})?/?", value):
        raise PydanticCustomError("public_url", "must be https://host[:port], without a path")
    return value.rstrip("/") if value else value


_Addresses = Annotated[tuple[SecretStr, ...], BeforeValidator(_split_addresses), AfterValidator(_are_addresses)]
_Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_split), AfterValidator(_holds_a_secret)]


class Settings(BaseModel):
    """Everything that can be set. A field's alias is its name in the environment, its description the documentation."""

    # Whatever is printed of a faulty setting must not be its value: it may be half of a secret.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    line_channel_secret: _Secrets = Field(
        (),
        alias="LINE_CHANNEL_SECRET",
        description="The channel's secret from the LINE Developers console. Several, with commas, while it is changed.",
    )
    line_channel_access_token: SecretStr = Field(
        SecretStr(""), alias="LINE_CHANNEL_ACCESS_TOKEN", description="The channel's access token."
    )
    line_api_base: Annotated[str | None, AfterValidator(_is_base_url)] = Field(
        None,
        alias="LINE_API_BASE",
        description="Another address for every call to LINE, for tests. No slash at the end.",
    )
    redis_url: Annotated[SecretStr | None, AfterValidator(_is_redis_url)] = Field(
        None,
        alias="REDIS_URL",
        description="`redis://`, `rediss://`, `unix://`, `redis+sentinel://host,host/<master's name>/<db>`"
        " (`?sentinel_password=`), `redis+cluster://host,host`; with TLS `rediss+...`."
        " Unset: a Valkey of our own under `HENJI_DATA_DIR`.",
    )
    openai_api_key: SecretStr | None = Field(
        None,
        alias="OPENAI_API_KEY",
        description="Key of the model's server. Without key and base URL no model is used.",
    )
    openai_base_url: Annotated[str | None, AfterValidator(_is_http_url)] = Field(
        None,
        alias="OPENAI_BASE_URL",
        description="Any OpenAI-compatible server, for example `http://localhost:11434/v1`.",
    )
    openai_model: str | None = Field(
        None, alias="OPENAI_MODEL", description="The language model's name on that server. Unset: it is off."
    )
    openai_embedding_model: str | None = Field(
        None,
        alias="OPENAI_EMBEDDING_MODEL",
        description="The name of an embedding model on that server, for example `text-embedding-3-small`."
        " Unset: it is off.",
    )
    model_consent: Literal["yes", "no"] = Field(
        "no",
        alias="HENJI_MODEL_CONSENT",
        description="`yes`: customers' words may go to a model that is not on this machine or network.",
    )
    model_price: Annotated[tuple[float, float] | None, BeforeValidator(_read_prices)] = Field(
        None,
        alias="HENJI_MODEL_PRICE",
        description="What a million tokens cost, sent and received, in your currency: `0.15, 0.60`."
        " Without it `HENJI_MODEL_BUDGET` counts millions of tokens.",
    )
    model_budget: Annotated[float | None, Field(ge=0, allow_inf_nan=False)] = Field(
        None,
        alias="HENJI_MODEL_BUDGET",
        description="What the model may cost in a day, in the same currency; then Henji goes on without it."
        " Unset: 1 million tokens a day for a server elsewhere, no limit for one of your own.",
    )
    data_dir: Path = Field(ROOT / ".henji", alias="HENJI_DATA_DIR", description="Where our own Valkey keeps its data.")
    faq_dir: Path = Field(ROOT / "faq", alias="HENJI_FAQ_DIR", description="The folder of FAQ files.")
    tokenizer: Literal["auto", "sudachi", "none"] = Field(
        "auto",
        alias="HENJI_TOKENIZER",
        description="How Japanese is cut into words: `sudachi`, `none`, or Sudachi where it is installed. "
        "The same on every machine.",
    )
    prompts_dir: Path = Field(ROOT / "prompts", alias="HENJI_PROMPTS_DIR", description="The folder of prompts.")
    host: str = Field("127.0.0.1", alias="HENJI_HOST", description="Address that the web server listens on.")
    port: int = Field(
        8000, ge=1, le=65535, alias="HENJI_PORT", description="Its port; the demo's simulator takes the next."
    )
    public_url: Annotated[str | None, AfterValidator(_is_public_url)] = Field(
        None,
        alias="HENJI_PUBLIC_URL",
        description="The address of this service from outside, `https://bot.example.com`: for links in alerts, and"
        " where LINE fetches images. Unset: images go as words.",
    )
    notify: _Addresses = Field(
        (),
        alias="HENJI_NOTIFY",
        description="Where staff are told that a customer waits: Apprise URLs, with commas or newlines between them.",
    )
    retention_days: int = Field(
        180,
        ge=1,
        le=3650,
        alias="HENJI_RETENTION_DAYS",
        description="How long talks and closed handoffs are kept, in days; photos 14 at most.",
    )

    @property
    def site_url(self) -> str:
        """Where people reach the service: from outside if that is set, else on this machine."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def model_is_on(self) -> bool:
        """Whether a language model is configured."""
        return self.openai_model is not None and self._has_model_server

    @property
    def embeddings_are_on(self) -> bool:
        """Whether an embedding model is configured."""
        return self.openai_embedding_model is not None and self._has_model_server

    @property
    def _has_model_server(self) -> bool:
        return self.openai_api_key is not None or self.openai_base_url is not None

    @property
    def tariff(self) -> Tariff:
        """What the model's tokens cost, and what may be spent on them in a day."""
        budget = self.model_budget
        if budget is None and not is_near(self.openai_base_url or OPENAI):
            budget = TOKENS_ELSEWHERE
        return Tariff(*(self.model_price or (1.0, 1.0)), budget)


def load_settings(
    environ: Mapping[str, str] | None = None, env_file: Path | None = ROOT / ".env", *, need_line: bool = False
) -> Settings:
    """Read the settings. What stands in the environment wins over the file. An empty value counts as unset.

    `need_line` is for commands that cannot run without a LINE channel.
    Raises SettingsError with every problem, each naming the setting.
    """
    from_file, problems = _read_env_file(env_file) if env_file else ({}, [])
    given = from_file | dict(os.environ if environ is None else environ)
    raw = {name: value for name, value in given.items() if value.strip()}
    values, unreadable = _read_secret_files(raw)
    problems += unreadable + _unknown_names(raw) + _contradictions(values)
    if need_line:
        problems += [
            f"{name}: is needed, see the README" for name in _LINE if name not in values and f"{name}_FILE" not in raw
        ]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [f"{one['loc'][0]}: {one['msg'][:1].lower()}{one['msg'][1:]}" for one in error.errors()]
        raise SettingsError(problems) from error
    if problems:
        raise SettingsError(problems)
    return settings


def _read_env_file(path: Path) -> tuple[dict[str, str], list[str]]:
    try:
        return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}, []
    except (OSError, UnicodeDecodeError) as error:
        return {}, [f"{path}: cannot be read: {_reason(error)}"]


def _reason(error: OSError | UnicodeDecodeError) -> str:
    """Say why a file cannot be read, with nothing of what stands in it."""
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is not UTF-8 text"


def _read_secret_files(raw: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Read each secret given as NAME_FILE, the way container platforms hand them over."""
    values, problems = dict(raw), list[str]()
    for name in _SECRETS:
        path = raw.get(f"{name}_FILE")
        if path is None:
            continue
        if name in raw:
            problems.append(f"{name}_FILE: {name} is set as well; keep one of the two")
        try:
            read = Path(path).read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{name}_FILE: cannot read {path}: {_reason(error)}")
            continue
        if read:
            values[name] = read
        else:
            problems.append(f"{name}_FILE: {path} is empty")
    return values, problems


def _unknown_names(raw: Mapping[str, str]) -> list[str]:
    known = [str(field.alias) for field in Settings.model_fields.values()] + [f"{name}_FILE" for name in _SECRETS]
    problems: list[str] = []
    for name in sorted(raw):
        if name.startswith("HENJI_") and name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.7)
            problems.append(f"{name}: there is no such setting" + (f"; did you mean {near[0]}?" if near else ""))
    return problems


def _contradictions(values: Mapping[str, str]) -> list[str]:
    """What no single setting can tell."""
    key, base_url = values.get("OPENAI_API_KEY"), values.get("OPENAI_BASE_URL")
    if not key and not base_url:
        return []
    problems: list[str] = []
    if not values.get("OPENAI_MODEL") and not values.get("OPENAI_EMBEDDING_MODEL"):
        problems.append(
            "OPENAI_MODEL: is needed (or OPENAI_EMBEDDING_MODEL) when OPENAI_API_KEY or OPENAI_BASE_URL is set"
        )
    if values.get("HENJI_MODEL_PRICE") and not values.get("HENJI_MODEL_BUDGET"):
        problems.append("HENJI_MODEL_BUDGET: is needed when HENJI_MODEL_PRICE is set")
    consent = values.get("HENJI_MODEL_CONSENT", "no")
    if consent == "no" and not is_near(base_url or OPENAI):
        problems.append(
            "HENJI_MODEL_CONSENT: customers' words would go to a server elsewhere; "
            "set it to yes to allow that, or use a model on this machine or network"
        )
    return problems
