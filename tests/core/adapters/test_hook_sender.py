"""Webhooks go to public servers and nowhere else, whatever names, redirects and answers say (T31)."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.adapters import hook_sender
from core.adapters.hook_sender import HttpHooks, is_public
from core.errors import InvalidInput, Unavailable
from tests.hook_receiver import receiving

PUBLIC = "93.184.216.34"
CLOSED_OFF = [
    "0.0.0.0",  # noqa: S104
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:93.184.216.34",
    "64:ff9b::a9fe:a9fe",
    "2001::1",
    "2001:db8::1",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]

NOT_THERE = r"^There is no server called hooks\.example in the public internet\. Check the address\.$"
real_getaddrinfo = socket.getaddrinfo


class Names:
    """What names mean, answer by answer; IP addresses mean themselves."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    def mean(self, name: str, *answers: list[str]) -> None:
        self.answers[name] = list(answers)

    def getaddrinfo(self, host: str, port: int, *args: object, **options: object) -> list:
        if host not in self.answers:
            return real_getaddrinfo(host, port, *args, **(options | {"flags": socket.AI_NUMERICHOST}))
        self.asked.append(host)
        answers = self.answers[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


@pytest.fixture
def names(monkeypatch) -> Names:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    return names


@pytest.fixture
def knocks(monkeypatch) -> list[str]:
    """The addresses that connections are made to; none is made."""
    found: list[str] = []

    def knock(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        found.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", knock)
    return found


@pytest.fixture
def strict() -> HttpHooks:
    """As a site on the internet sends them."""
    return HttpHooks(may_be_private=False)


@pytest.fixture
def lenient() -> HttpHooks:
    """As a site on somebody's own machine sends them."""
    return HttpHooks(may_be_private=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> str:
    """A file with a self-made certificate for the name receiver.test, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("receiver.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "receiver.pem"
    path.write_bytes(made.public_bytes(pem) + private)
    return str(path)


@pytest.fixture
def tls(certificate) -> ssl.SSLContext:
    """The receiver's side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate) -> HttpHooks:
    """Sends to whoever shows that certificate under its name."""
    return HttpHooks(may_be_private=True, trust=ssl.create_default_context(cafile=certificate))


@contextmanager
def talking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that says to its one caller what `talk` sends; returns its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            caller, _ = listener.accept()
            with caller:
                caller.recv(65536)
                talk(caller)
        except OSError:
            return  # the caller, or everybody, went away

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.close()
        thread.join()


def drip(start: bytes) -> Callable[[socket.socket], None]:
    """Say the start, then a byte now and then, for longer than anybody waits."""

    def talk(caller: socket.socket) -> None:
        caller.sendall(start)
        for _ in range(1_000):
            caller.sendall(b"x")
            threading.Event().wait(0.01)

    return talk


# --- where to ------------------------------------------------------------------------------


@pytest.mark.parametrize("address", CLOSED_OFF)
def test_an_address_that_is_not_everybodys_is_not_public(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700::1111", "2a00:1450:4001:800::200e"])
def test_an_address_of_the_internet_is_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", CLOSED_OFF)
def test_nothing_is_sent_to_a_name_that_means_a_closed_off_address(strict, names, knocks, address):
    names.mean("hooks.example", [address])

    with pytest.raises(InvalidInput, match=NOT_THERE):
        strict.check("https://hooks.example/")
    with pytest.raises(InvalidInput, match=NOT_THERE):
        strict.post("https://hooks.example/", b"{}", {})
    assert knocks == []


def test_one_closed_off_address_among_public_ones_is_enough(strict, names, knocks):
    names.mean("hooks.example", [PUBLIC, "10.0.0.1"])

    with pytest.raises(InvalidInput):
        strict.post("https://hooks.example/", b"{}", {})

    assert knocks == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:169.254.169.254]", "2130706433", "0x7f000001", "127.1", "0"]
)
def test_an_address_in_any_spelling_is_seen_through(strict, names, knocks, host):
    with pytest.raises(InvalidInput):
        strict.check(f"https://{host}/")
    with pytest.raises(InvalidInput):
        strict.post(f"https://{host}/", b"{}", {})

    assert knocks == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.example/", "begins with https"),
        ("ftp://hooks.example/", "begins with https"),
        ("gopher://hooks.example/", "begins with https"),
        ("hooks.example", "begins with https"),
        ("", "begins with https"),
        ("https://hooks.exam\nple/", "begins with https"),
        ("https:///path", "no address of a server"),
        ("https://a..b/", "no address of a server"),
        ("https://.hooks.example/", "no address of a server"),
        ("https://hooks example/", "no address of a server"),
        ("https://[fe80::1%25eth0]/", "no address of a server"),
        (f"https://{'a' * 64}.example/", "no address of a server"),
        ("https://anna:secret@hooks.example/", "Leave name and password out"),
        ("https://hooks.example\\@127.0.0.1/", "Leave name and password out"),
        ("https://hooks.example:22/", "443 and 8443 only"),
        ("https://hooks.example:0/", "443 and 8443 only"),
        ("https://hooks.example:99999/", "443 and 8443 only"),
    ],
)
def test_what_is_no_web_address_of_a_server_is_refused_in_a_sentence(strict, names, knocks, url, words):
    names.mean("hooks.example", [PUBLIC])

    with pytest.raises(InvalidInput, match=words):
        strict.check(url)
    with pytest.raises(InvalidInput, match=words):
        strict.post(url, b"{}", {})
    assert knocks == []


@pytest.mark.parametrize(
    "url", ["https://hooks.example", "https://hooks.example:8443/a?b=c", "HTTPS://Hooks.Example./"]
)
def test_a_public_address_is_good(strict, names, url):
    names.mean("hooks.example", [PUBLIC])
    names.mean("hooks.example.", [PUBLIC])

    strict.check(url)


def test_a_name_that_nobody_has_is_refused_at_first_and_waited_for_later(strict, monkeypatch):
    def unknown(*_: object, **__: object) -> list:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(InvalidInput, match=NOT_THERE):
        strict.check("https://hooks.example/")
    with pytest.raises(Unavailable, match=NOT_THERE):
        strict.post("https://hooks.example/", b"{}", {})


def test_nobody_learns_which_names_a_private_network_knows(strict, names, monkeypatch):
    names.mean("db.internal", ["10.0.0.7"])
    known = refusals(strict, "https://db.internal/")

    def unknown(*_: object, **__: object) -> list:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    assert refusals(strict, "https://db.internal/") == known


def refusals(hooks: HttpHooks, url: str) -> list[str]:
    """What an organiser reads when the webhook is set up, and when a message is sent."""
    with pytest.raises(InvalidInput) as at_first:
        hooks.check(url)
    with pytest.raises((InvalidInput, Unavailable)) as later:
        hooks.post(url, b"{}", {})
    return [str(at_first.value), str(later.value)]


def test_a_name_that_means_something_else_at_the_next_look_is_looked_up_once(strict, names, knocks):
    names.mean("rebinding.example", [PUBLIC], ["127.0.0.1"])

    with pytest.raises(Unavailable, match=r"rebinding\.example does not answer"):
        strict.post("https://rebinding.example/", b"{}", {})

    assert (names.asked, knocks) == (["rebinding.example"], [PUBLIC])


def test_a_name_that_turned_private_since_it_was_entered_is_refused(strict, names, knocks):
    names.mean("rebinding.example", [PUBLIC], ["127.0.0.1"])
    strict.check("https://rebinding.example/")

    with pytest.raises(InvalidInput):
        strict.post("https://rebinding.example/", b"{}", {})

    assert knocks == []


def test_the_next_address_of_a_server_is_tried_when_one_is_closed(strict, names, knocks):
    names.mean("hooks.example", [PUBLIC, "1.1.1.1", "1.0.0.1", "8.8.8.8", "9.9.9.9"])

    with pytest.raises(Unavailable):
        strict.post("https://hooks.example/", b"{}", {})

    assert knocks == [PUBLIC, "1.1.1.1", "1.0.0.1", "8.8.8.8"]


def test_a_site_on_this_machine_sends_to_this_machine_but_to_no_other_network(lenient, names, knocks):
    for host in ("127.0.0.1", "[::1]"):
        lenient.check(f"http://{host}:5000/")
    for address in set(CLOSED_OFF) - {"127.0.0.1", "::1"}:
        names.mean("hooks.example", [address])
        with pytest.raises(InvalidInput):
            lenient.post("http://hooks.example/", b"{}", {})

    assert knocks == []


# --- what is sent, and what comes back -----------------------------------------------------


def test_the_message_arrives_as_it_is(lenient):
    with receiving() as receiver:
        status = lenient.post(receiver.url("/a/ü?b=c#d"), b'{"a":1}', {"webhook-id": "7"})

    (message,) = receiver.got
    assert status == 200
    assert (message.path, message.body) == ("/a/%C3%BC?b=c", b'{"a":1}')
    assert message.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "connection": "close",
        "webhook-id": "7",
        "content-length": "7",
    }


@pytest.mark.parametrize("status", [204, 400, 404, 410, 500, 503])
def test_every_answer_is_told_by_its_status(lenient, status):
    with receiving() as receiver:
        receiver.status, receiver.answer = status, b""

        assert lenient.post(receiver.url(), b"{}", {}) == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_followed_elsewhere(lenient, status):
    with receiving() as elsewhere, receiving() as receiver:
        for target in (elsewhere.url(), "http://169.254.169.254/latest/meta-data/"):
            receiver.status, receiver.moved_to = status, target

            assert lenient.post(receiver.url(), b"{}", {}) == status

    assert (len(receiver.got), elsewhere.got) == (2, [])


def test_no_proxy_of_the_environment_comes_in_between(lenient, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    with receiving() as receiver:
        assert lenient.post(receiver.url(), b"{}", {}) == 200


def test_https_goes_to_the_checked_address_under_the_name_of_the_certificate(trusting, names, tls):
    names.mean("receiver.test", ["127.0.0.1"], ["127.0.0.2"])

    with receiving(tls=tls) as receiver:
        status = trusting.post(receiver.url(scheme="https", host="receiver.test"), b"{}", {})

    assert status == 200
    assert receiver.got[0].headers["host"] == f"receiver.test:{receiver.port}"


def test_a_certificate_for_another_name_is_not_believed(trusting, names, tls):
    names.mean("another.test", ["127.0.0.1"])

    with receiving(tls=tls) as receiver, pytest.raises(Unavailable):
        trusting.post(receiver.url(scheme="https", host="another.test"), b"{}", {})

    assert receiver.got == []


def test_a_certificate_that_nobody_vouches_for_is_not_believed(lenient, names, tls):
    names.mean("receiver.test", ["127.0.0.1"])

    with receiving(tls=tls) as receiver, pytest.raises(Unavailable):
        lenient.post(receiver.url(scheme="https", host="receiver.test"), b"{}", {})

    assert receiver.got == []


def test_a_server_that_is_not_there_does_not_answer(lenient):
    with receiving() as receiver:
        url = receiver.url()

    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 does not answer"):
        lenient.post(url, b"{}", {})


@pytest.mark.parametrize(
    "nonsense", [b"", b"\0\1\2", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nno"]
)
def test_what_does_not_speak_http_does_not_answer(lenient, nonsense):
    with talking(lambda caller: caller.sendall(nonsense)) as url, pytest.raises(Unavailable):
        lenient.post(url, b"{}", {})


def test_a_server_that_drips_its_head_is_left_in_time(lenient, monkeypatch):
    monkeypatch.setattr(hook_sender, "PATIENCE", timedelta(seconds=1))
    begun = time.monotonic()

    with talking(drip(b"HTTP/1.1 200 OK\r\nX-Slow: ")) as url, pytest.raises(Unavailable):
        lenient.post(url, b"{}", {})

    assert time.monotonic() - begun < 8


def test_a_server_that_drips_its_body_has_answered_and_is_left_in_time(lenient, monkeypatch):
    monkeypatch.setattr(hook_sender, "PATIENCE", timedelta(seconds=1))
    begun = time.monotonic()

    with talking(drip(b"HTTP/1.1 200 OK\r\n\r\n")) as url:
        assert lenient.post(url, b"{}", {}) == 200

    assert time.monotonic() - begun < 8


def test_of_a_huge_answer_only_the_beginning_is_read(lenient):
    sent = 0

    def pour(caller: socket.socket) -> None:
        nonlocal sent
        caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 256 * 2**20:
            sent += caller.send(bytes(65536))

    with talking(pour) as url:
        status = lenient.post(url, b"{}", {})

    assert status == 200
    assert sent < 64 * 2**20  # what the system itself holds for us, and no more


def test_a_look_up_that_takes_forever_is_left_in_time(strict, monkeypatch):
    monkeypatch.setattr(hook_sender, "PATIENCE", timedelta(seconds=0.05))
    is_over = threading.Event()

    def slow(*_: object, **__: object) -> list:
        is_over.wait(30)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    with pytest.raises(Unavailable, match=NOT_THERE):
        strict.post("https://hooks.example/", b"{}", {})
    is_over.set()
