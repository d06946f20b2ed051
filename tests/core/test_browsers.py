"""What is believed of what a browser says about itself."""

import pytest

from service.core.browsers import fits, is_push_service, label_of

POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:APA91b-_x",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
        "https://web.push.apple.com/QGu-example",
        "https://wns2-par02p.notify.windows.com/w/?token=BQY%3d",
    ],
)
def test_the_services_of_browsers_are_taken(endpoint: str) -> None:
    assert is_push_service(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "http://fcm.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com",
        "https://fcm.googleapis.com:6379/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://localhost/x",
        "https://169.254.169.254/latest/meta-data",
        "https://redis.internal/x",
        "https://evil.example/fcm.googleapis.com/x",
        "https://evilfcm.googleapis.com.example/x",
        "https://notpush.apple.com.evil.example/x",
        "https://xpush.apple.com.evil/x",
        "https://evilpush.apple.com/x",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://fcm.googleapis.com\\@evil.example/x",
        "https://fcm.googleapis.com/x\r\nHost: evil.example",
        "https://FCM.googleapis.com/x",
        "https://fcm.googleapis.com./x",
        "https://fcm.googleapis.com/" + "x" * 1001,
        "unix:///var/run/docker.sock",
    ],
)
def test_no_other_address_is_ever_written_to(endpoint: str) -> None:
    assert not is_push_service(endpoint)


def test_keys_must_have_the_form_of_keys() -> None:
    assert fits(POINT, SECRET)
    for point, secret in (("", SECRET), (POINT, ""), (POINT[1:], SECRET), (POINT, POINT), ("ü", "ü"), (SECRET, SECRET)):
        assert not fits(point, secret)
    assert not fits("A" + POINT[1:], SECRET), "a compressed point"


@pytest.mark.parametrize(
    ("user_agent", "label"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile/15E Safari/604.1",
            "iPhone・Safari",
        ),
        ("Mozilla/5.0 (Linux; Android 15; K) Chrome/131.0.0.0 Mobile Safari/537.36", "Android・Chrome"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0 Safari/537.36 Edg/131.0", "Windows・Edge"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Linux・Firefox"),
        ("curl/8", ""),
    ],
)
def test_a_browser_is_named_in_words(user_agent: str, label: str) -> None:
    assert label_of(user_agent) == label
