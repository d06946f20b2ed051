"""The settings: every problem at once, in a sentence that names the setting, and never a secret."""

import traceback
from pathlib import Path

import pytest

from service.core.spending import Tariff
from service.errors import SettingsError
from service.settings import ROOT, Settings, load_settings

LINE = {"LINE_CHANNEL_SECRET": "channel-secret", "LINE_CHANNEL_ACCESS_TOKEN": "access-token"}
DEFAULTS = Settings.model_validate({})

REDIS_URLS = (
    "must be redis://, rediss://, unix://, redis+sentinel://host,host/<master's name>/<db> or redis+cluster://host,host"
)


def problems(environ: dict[str, str], env_file: Path | None = None, *, need_line: bool = False) -> list[str]:
    """What is wrong with these settings."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, env_file, need_line=need_line)
    assert str(caught.value).splitlines() == caught.value.problems
    return caught.value.problems


def test_nothing_has_to_be_set_for_a_look_around() -> None:
    settings = load_settings({}, None)
    assert settings == DEFAULTS
    assert (settings.host, settings.port, settings.retention_days) == ("127.0.0.1", 8000, 180)
    assert (settings.faq_dir, settings.data_dir) == (ROOT / "faq", ROOT / ".henji")
    assert settings.redis_url is None
    assert not settings.model_is_on


def test_the_shop_s_own_folders_exist() -> None:
    settings = load_settings({}, None)
    assert settings.faq_dir.is_dir()
    assert settings.prompts_dir.is_dir()


def test_the_service_needs_a_line_channel() -> None:
    assert problems({}, need_line=True) == [
        "LINE_CHANNEL_SECRET: is needed, see the README",
        "LINE_CHANNEL_ACCESS_TOKEN: is needed, see the README",
    ]
    settings = load_settings(LINE, None, need_line=True)
    assert [secret.get_secret_value() for secret in settings.line_channel_secret] == ["channel-secret"]
    assert settings.line_channel_access_token.get_secret_value() == "access-token"


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    environ = {
        "LINE_CHANNEL_ACCESS_TOKEN_FILE": str(tmp_path / "none"),
        "LINE_API_BASE": "http://127.0.0.1:9000/",
        "REDIS_URL": "localhost:6379",
        "OPENAI_API_KEY": "key",
        "HENJI_PORT": "eighty",
        "HENJI_RETENTION_DAYS": "0",
        "HENJI_FAQ_DIRECTORY": "faq",
    }
    found = problems(environ, need_line=True)
    assert sorted(found) == sorted(
        [
            f"LINE_CHANNEL_ACCESS_TOKEN_FILE: cannot read {tmp_path / 'none'}: No such file or directory",
            "HENJI_FAQ_DIRECTORY: there is no such setting; did you mean HENJI_FAQ_DIR?",
            "OPENAI_MODEL: is needed (or OPENAI_EMBEDDING_MODEL) when OPENAI_API_KEY or OPENAI_BASE_URL is set",
            (
                "HENJI_MODEL_CONSENT: customers' words would go to a server elsewhere; "
                "set it to yes to allow that, or use a model on this machine or network"
            ),
            "LINE_CHANNEL_SECRET: is needed, see the README",
            "LINE_API_BASE: must be http(s)://host[:port] without a slash at the end",
            f"REDIS_URL: {REDIS_URLS}",
            "HENJI_PORT: input should be a valid integer, unable to parse string as an integer",
            "HENJI_RETENTION_DAYS: input should be greater than or equal to 1",
        ]
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("LINE_CHANNEL_SECRET", " , ,", "holds no secret"),
        ("LINE_API_BASE", "127.0.0.1:9000", "must be http(s)://host[:port] without a slash at the end"),
        ("LINE_API_BASE", "https://api.line.me/v2", "must be http(s)://host[:port] without a slash at the end"),
        ("REDIS_URL", "redis://", REDIS_URLS),
        ("REDIS_URL", "http://localhost", REDIS_URLS),
        ("HENJI_PUBLIC_URL", "henji.example", "must be https://host[:port], without a path"),
        ("HENJI_NOTIFY", "hooks.slack.com/hunter2", "address 1 must begin as slack://… or mailto://… does"),
        ("HENJI_PORT", "0", "input should be greater than or equal to 1"),
        ("HENJI_PORT", "65536", "input should be less than or equal to 65535"),
        ("HENJI_RETENTION_DAYS", "3651", "input should be less than or equal to 3650"),
        ("HENJI_MODEL_CONSENT", "maybe", "input should be 'yes' or 'no'"),
        ("HENJI_MODEL_PRICE", "0.15", "must be two prices, of tokens sent and received: 0.15, 0.60"),
        ("HENJI_MODEL_PRICE", "cheap, free", "must be two prices, of tokens sent and received: 0.15, 0.60"),
        ("HENJI_MODEL_BUDGET", "-1", "input should be greater than or equal to 0"),
        ("HENJI_MODEL_BUDGET", "inf", "input should be a finite number"),
    ],
)
def test_a_faulty_value_is_named_with_what_is_wrong(name: str, value: str, sentence: str) -> None:
    assert problems({name: value}) == [f"{name}: {sentence}"]


def test_a_model_s_address_that_is_none_is_said_to_be() -> None:
    found = problems({"OPENAI_BASE_URL": "ftp//model", "OPENAI_MODEL": "m", "HENJI_MODEL_CONSENT": "yes"})
    assert found == ["OPENAI_BASE_URL: must begin with http:// or https://"]


def test_a_model_elsewhere_has_a_limit_unless_another_one_is_set() -> None:
    far = {"OPENAI_API_KEY": "key", "OPENAI_MODEL": "m", "HENJI_MODEL_CONSENT": "yes"}
    near = {"OPENAI_BASE_URL": "http://localhost:11434/v1", "OPENAI_MODEL": "m"}
    prices = {"HENJI_MODEL_PRICE": "0.15, 0.6", "HENJI_MODEL_BUDGET": "2"}
    assert load_settings(far, None).tariff == Tariff(1, 1, 1)
    assert load_settings(near, None).tariff == Tariff(1, 1, None)
    assert load_settings(far | {"HENJI_MODEL_BUDGET": "5"}, None).tariff == Tariff(1, 1, 5)
    assert load_settings(far | prices, None).tariff == load_settings(near | prices, None).tariff == Tariff(0.15, 0.6, 2)


def test_a_price_is_of_no_use_without_a_budget() -> None:
    model = {"OPENAI_BASE_URL": "http://localhost/v1", "OPENAI_MODEL": "m"}
    expected = ["HENJI_MODEL_BUDGET: is needed when HENJI_MODEL_PRICE is set"]
    assert problems(model | {"HENJI_MODEL_PRICE": "1, 2"}) == expected


def test_a_misspelt_setting_is_an_error_and_the_right_name_is_suggested() -> None:
    assert problems({"HENJI_HOTS": "0.0.0.0"}) == ["HENJI_HOTS: there is no such setting; did you mean HENJI_HOST?"]
    assert problems({"HENJI_XYZZY": "1"}) == ["HENJI_XYZZY: there is no such setting"]
    assert load_settings({"LINES": "24", "PATH": "/bin", "OPENAI_ORG_ID": "x"}, None) == DEFAULTS


def test_an_empty_value_counts_as_unset() -> None:
    names = [str(field.alias) for field in Settings.model_fields.values()]
    assert load_settings(dict.fromkeys([*names, "HENJI_XYZZY", "REDIS_URL_FILE"], ""), None) == DEFAULTS
    assert load_settings({"REDIS_URL": "  "}, None).redis_url is None
    assert len(problems(dict.fromkeys(LINE, ""), need_line=True)) == 2


def test_addresses_of_alerts_are_split_where_the_next_one_begins(tmp_path: Path) -> None:
    file = tmp_path / "notify"
    file.write_text("slack://A/B/C\nmailto://u:p@gmail.com?to=a@x.jp,b@x.jp\n", encoding="utf-8")
    for environ in (
        {"HENJI_NOTIFY": " slack://A/B/C, mailto://u:p@gmail.com?to=a@x.jp,b@x.jp, "},
        {"HENJI_NOTIFY_FILE": str(file)},
    ):
        settings = load_settings(environ, None)
        addresses = [address.get_secret_value() for address in settings.notify]
        assert addresses == ["slack://A/B/C", "mailto://u:p@gmail.com?to=a@x.jp,b@x.jp"]
        assert "slack" not in repr(settings)
    assert load_settings({}, None).notify == ()


def test_two_channel_secrets_are_valid_while_one_is_changed() -> None:
    settings = load_settings({"LINE_CHANNEL_SECRET": " new , old,"}, None)
    assert [secret.get_secret_value() for secret in settings.line_channel_secret] == ["new", "old"]


# Secrets from files


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LINE_CHANNEL_SECRET", "s"),
        ("LINE_CHANNEL_ACCESS_TOKEN", "t"),
        ("REDIS_URL", "redis://:p@redis:6379/0"),
        ("OPENAI_API_KEY", "k"),
    ],
)
def test_each_secret_may_stand_in_a_file(tmp_path: Path, name: str, value: str) -> None:
    path = tmp_path / "secret"
    path.write_text(f"\ufeff{value}\r\n", encoding="utf-8")
    model = {"OPENAI_MODEL": "m", "HENJI_MODEL_CONSENT": "yes"}
    assert load_settings({f"{name}_FILE": str(path), **model}, None) == load_settings({name: value, **model}, None)


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("one")
    environ = {"REDIS_URL": "redis://two", "REDIS_URL_FILE": str(path)}
    assert "REDIS_URL_FILE: REDIS_URL is set as well; keep one of the two" in problems(environ)


def test_a_secret_s_file_that_holds_nothing_is_said_to_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("\n")
    found = problems({**LINE, "LINE_CHANNEL_SECRET": "", "LINE_CHANNEL_SECRET_FILE": str(path)}, need_line=True)
    assert found == [f"LINE_CHANNEL_SECRET_FILE: {path} is empty"]


def test_a_secret_s_file_that_is_no_text_is_refused_without_showing_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"pass\xffword")
    assert problems({"REDIS_URL_FILE": str(path)}) == [f"REDIS_URL_FILE: cannot read {path}: it is not UTF-8 text"]
    assert problems({"REDIS_URL_FILE": str(tmp_path)}) == [f"REDIS_URL_FILE: cannot read {tmp_path}: Is a directory"]


# The model


@pytest.mark.parametrize("base_url", ["http://localhost:11434/v1", "http://192.168.1.5:8080", "http://ollama:11434/v1"])
def test_a_model_of_the_shop_s_own_needs_no_consent(base_url: str) -> None:
    settings = load_settings({"OPENAI_BASE_URL": base_url, "OPENAI_MODEL": "gemma"}, None)
    assert settings.model_is_on
    assert settings.openai_base_url == base_url


@pytest.mark.parametrize(
    "environ",
    [
        {"OPENAI_API_KEY": "key"},
        {"OPENAI_BASE_URL": "https://models.example/v1"},
        {"OPENAI_API_KEY": "key", "OPENAI_BASE_URL": "https://models.example/v1"},
        {"OPENAI_API_KEY": "key", "HENJI_MODEL_CONSENT": "no"},
    ],
)
def test_customers_words_go_elsewhere_only_with_consent(environ: dict[str, str]) -> None:
    (found,) = problems({**environ, "OPENAI_MODEL": "m"})
    assert found.startswith("HENJI_MODEL_CONSENT: customers' words would go to a server elsewhere")
    assert load_settings({**environ, "OPENAI_MODEL": "m", "HENJI_MODEL_CONSENT": "yes"}, None).model_is_on


def test_consent_alone_turns_no_model_on() -> None:
    assert not load_settings({"HENJI_MODEL_CONSENT": "yes", "OPENAI_MODEL": "m"}, None).model_is_on


def test_embeddings_need_no_language_model_and_the_language_model_needs_no_embeddings() -> None:
    server = {"OPENAI_BASE_URL": "http://localhost:8123/v1"}
    vectors = load_settings({**server, "OPENAI_EMBEDDING_MODEL": "minilm"}, None)
    assert (vectors.model_is_on, vectors.embeddings_are_on) == (False, True)
    words = load_settings({**server, "OPENAI_MODEL": "gemma"}, None)
    assert (words.model_is_on, words.embeddings_are_on) == (True, False)
    assert not load_settings({"OPENAI_EMBEDDING_MODEL": "minilm"}, None).embeddings_are_on


def test_embeddings_elsewhere_need_the_same_consent() -> None:
    far = {"OPENAI_BASE_URL": "https://embed.example/v1", "OPENAI_EMBEDDING_MODEL": "m"}
    (found,) = problems(far)
    assert found.startswith("HENJI_MODEL_CONSENT:")
    assert load_settings({**far, "HENJI_MODEL_CONSENT": "yes"}, None).embeddings_are_on


# What may be seen

SECRETS = {
    "LINE_CHANNEL_SECRET": "hidden-1,hidden-2",
    "LINE_CHANNEL_ACCESS_TOKEN": "hidden-3",
    "REDIS_URL": "redis://:hidden-4@redis",
    "OPENAI_API_KEY": "hidden-5",
}


def test_secrets_are_never_shown() -> None:
    settings = load_settings({**SECRETS, "OPENAI_MODEL": "m", "HENJI_MODEL_CONSENT": "yes"}, None)
    for shown in (repr(settings), str(settings), f"{settings.model_dump()}", settings.model_dump_json()):
        assert "hidden" not in shown


def test_secrets_are_not_shown_in_what_is_wrong_either() -> None:
    """A traceback in a log shows the cause of an error as well."""
    environ = {name: f"{value}\n" for name, value in SECRETS.items()}
    environ |= {"REDIS_URL": "http://:hidden-4@redis", "LINE_API_BASE": "hidden-6", "HENJI_PORT": "hidden-7"}
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, None)
    shown = "".join(traceback.format_exception(caught.value))
    assert "REDIS_URL" in shown
    assert "hidden" not in shown


def test_settings_cannot_be_changed_while_running() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings({}, None).port = 1


# The file


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        "# 店\nHENJI_PORT=9000\nexport HENJI_HOST='0.0.0.0'\nOPENAI_MODEL=\nLINE_CHANNEL_SECRET=a$b${HOME}c\n",
        encoding="utf-8",
    )
    settings = load_settings({"HENJI_PORT": "9001"}, path)
    assert (settings.host, settings.port, settings.openai_model) == ("0.0.0.0", 9001, None)
    assert settings.line_channel_secret[0].get_secret_value() == "a$b${HOME}c", "a secret is taken as it stands"


def test_an_empty_value_in_the_environment_unsets_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("HENJI_PORT=9000\n")
    assert load_settings({"HENJI_PORT": ""}, path).port == 8000


def test_an_unknown_name_in_the_file_is_an_error_too(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("HENJI_PROT=9000\n")
    assert problems({}, path) == ["HENJI_PROT: there is no such setting; did you mean HENJI_PORT?"]


def test_a_file_that_is_not_there_is_no_problem(tmp_path: Path) -> None:
    assert load_settings({}, tmp_path / ".env") == DEFAULTS


def test_a_file_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"HENJI_HOST=\xff\n")
    assert problems({}, path) == [f"{path}: cannot be read: it is not UTF-8 text"]


def test_the_process_s_own_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HENJI_PORT", "9002")
    assert load_settings(env_file=None).port == 9002


def test_every_setting_is_described() -> None:
    for field in Settings.model_fields.values():
        assert field.alias
        assert field.description


@pytest.mark.parametrize("url", ["https://bot.example.com", "https://bot.example.com:8443", "https://bot.example.com/"])
def test_a_public_address_is_kept_without_a_slash(url: str) -> None:
    assert load_settings({"HENJI_PUBLIC_URL": url}, None).public_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://bot.example.com",
        "bot.example.com",
        "https://bot.example.com/henji",
        "https://bot.example.com?x",
        "https://user:secret@bot.example.com",
        "https://",
        "https://bot.example.com:port",
        "https://日本.example",
    ],
)
def test_a_public_address_is_https_and_has_no_path(url: str) -> None:
    assert problems({"HENJI_PUBLIC_URL": url}) == ["HENJI_PUBLIC_URL: must be https://host[:port], without a path"]
