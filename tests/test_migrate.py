"""Files of proxychains-ng's in proxywrap's form: the same meaning, and each silent trap named."""

from __future__ import annotations

import pytest

from proxywrap.config import Config
from proxywrap.masking import masked
from proxywrap.migrate import Translation, from_proxychains
from proxywrap.parser import parse_config

END = "strict_chain\nproxy_dns\nlocalnet 127.0.0.0/8\n[ProxyList]\n"


def translate(text: str) -> Translation:
    """Return the translation of a file called px.conf."""
    return from_proxychains(text.encode("utf-8", "surrogateescape"), "px.conf")


def meaning(translation: Translation) -> Config:
    """Return what proxywrap makes of it."""
    return parse_config("\n".join(translation.lines).encode("utf-8", "surrogateescape"), "new.conf")


def test_a_plain_file_stays_as_it_is() -> None:
    """Comments and blank lines too; only the place of loopback's name servers is told."""
    text = END + "# mine\n\nsocks5 192.0.2.1 1080 bob pw\nhttp://ann:pw@192.0.2.2:8080/\n"
    lines = translate(text).lines
    assert [line for line in lines if not line.startswith(("# What", "# differs:"))] == text.splitlines()
    assert [line for line in lines if line.startswith("# differs:")] == [
        "# differs: loopback is direct, but for the name servers there, in whose place proxywrap answers"
    ]


@pytest.mark.parametrize(
    ("line", "expected", "remark"),
    [
        ("strict_chain # all", "#strict_chain # all", "passes over this line, for '# all' is a part of it"),
        ("Random_Chain", "#Random_Chain", "passes over this line, for it is not written 'random_chain'"),
        ("frobnicate 1", "#frobnicate 1", "passes over this line; here it would be an error"),
        ("proxy_loopback", "#proxy_loopback", "passes over this line; here it would be an error"),
        ("[rules]", "#[rules]", "passes over this line, for it is not [ProxyList]"),
        ("chain_len = x", "chain_len = 1", "takes 'x' for 1"),
        ("chain_len = 0", "chain_len = 1", "takes '0' for 1"),
        ("chain_len=", "chain_len = 1", "takes 'nothing' for 1"),
        ("tcp_read_time_out 9ms", "tcp_read_time_out 9", "takes '9ms' for 9"),
        (
            "tcp_connect_time_out fast",
            "#tcp_connect_time_out fast",
            "passes over this line, which has no number",
        ),
        ("proxy_dns_old", "proxy_dns_old", "names are resolved by the last proxy, and nobody else is asked"),
        (
            "proxy_dns_daemon 127.0.0.1:1053",
            "proxy_dns_daemon 127.0.0.1:1053",
            "names are resolved by the last proxy, and nobody else is asked",
        ),
    ],
)
def test_an_option_that_differs(line: str, expected: str, remark: str) -> None:
    """It is written so that it means the same, and what differs stands above it."""
    translation = translate(f"{line}\n{END}socks5 192.0.2.1 1080\n")
    above, is_now = translation.lines[1:3]
    assert remark in above
    assert above.startswith("# differs: ")
    assert is_now == expected
    assert not translation.errors
    meaning(translation)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("chain_len=1", "chain_len = 1"),
        ("tcp_read_time_out 15000 ms", "tcp_read_time_out 15000"),
        ("localnet 10.0.0.0/255.0.0.0", "localnet 10.0.0.0/8"),
        ("dnat 192.0.2.1:80 192.0.2.2", "dnat 192.0.2.1:80 192.0.2.2"),
        ("remote_dns_subnet 224", "remote_dns_subnet 224"),
    ],
)
def test_an_option_that_means_the_same(line: str, expected: str) -> None:
    """Nothing is said of it."""
    translation = translate(f"{line}\n{END}socks5 192.0.2.1 1080\n")
    assert translation.lines[1] == expected
    meaning(translation)


@pytest.mark.parametrize(
    ("line", "expected", "remark"),
    [
        ("socks5 h 1080 # my x", "socks5 h 1080", "logs in with what follows the port"),
        ("socks5 h 84586", "socks5 h 19050", "takes port 84586 for 19050"),
        ("socks5 h 0", "#socks5 h 0", "drops this proxy without a word"),
        ("socks5 h 65536", "#socks5 h 65536", "drops this proxy without a word"),
        ("socks5 h 1 bob pw more", "socks5 h 1 bob pw", "passes over what follows the password"),
        ("socks5 h 1 bob #p%:w", "socks5://bob:%23p%25%3Aw@h:1", "so this is a URL"),
        ("http fd00::1 1 bob #p", "http://bob:%23p@[fd00::1]:1", "so this is a URL"),
        ("socks5://bob:p%40w@h:1", "socks5://bob:p%2540w@h:1", "decodes nothing"),
        ("http://h:1 more", "http://h:1", "passes over what follows the URL"),
    ],
)
def test_a_proxy_that_differs(line: str, expected: str, remark: str) -> None:
    """Port and credentials are those that proxychains-ng uses, unless they were a comment."""
    translation = translate(f"{END}socks4 192.0.2.9 1\n{line}\n")
    assert remark in translation.lines[-2]
    assert translation.lines[-1] == expected
    assert not translation.errors
    assert len(meaning(translation).proxies) == 1 + (not expected.startswith("#"))


def test_credentials_arrive() -> None:
    """As the bytes that proxychains-ng sends."""
    text = END + "socks5 h 1 bob #p%41:w\nsocks5://b%6fb:p%40:@w@h:1\nsocks5 h 1 \udce9 x\n"
    entries = meaning(translate(text)).proxies
    assert [(each.uri.username, each.uri.password) for each in entries] == [
        (b"bob", b"#p%41:w"),
        (b"b%6fb", b"p%40:@w"),
        (b"\xe9", b"x"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "SOCKS5 h 1",
            "expected one of http, socks4, socks5, raw, found 'SOCKS5', at which proxychains-ng ends",
        ),
        ("socks5h://h:1", "expected one of http, socks4, socks5, raw, found 'socks5h'"),
        ("bob:pw@h 1 2", "expected one of http, socks4, socks5, raw, found 'something else'"),
        ("socks5://h", "expected a port in the URL, without which proxychains-ng ends"),
        ("socks5 h x", "expected TYPE HOST PORT [USER [PASSWORD]], found no number for a port"),
        ("socks4://bob:pw@h:1", "expected socks4://USER@HOST:PORT: SOCKS4 has no password"),
        ("strict_chain", "expected one of http, socks4, socks5, raw, found 'strict_chain'"),
        ("[ProxyList]", "expected one of http, socks4, socks5, raw, found '[ProxyList]'"),
    ],
)
def test_a_proxy_that_is_refused(line: str, message: str) -> None:
    """It becomes a comment without credentials, and an error with its line; the others stay."""
    translation = translate(f"{END}{line}\nhttp 192.0.2.9 1\n")
    (error,) = translation.errors
    assert str(error).startswith(f"px.conf:5: {message}")
    assert translation.lines[-3].startswith(f"# left out: {message}")
    assert translation.lines[-2] == masked(f"#{line}")
    assert len(meaning(translation).proxies) == 1


@pytest.mark.parametrize(
    "line", ["chain_len 3", "localnet 10.0.0.0/8 x", "dnat 192.0.2.1", "remote_dns_subnet 300"]
)
def test_an_option_that_is_refused(line: str) -> None:
    """proxychains-ng ends at these as well."""
    (error,) = translate(f"{line}\n{END}http 192.0.2.9 1\n").errors
    assert error.line == 1


def test_what_holds_for_the_whole_file() -> None:
    """Names and loopback, where the file does not say it."""
    lines = translate("[ProxyList]\nhttp 192.0.2.9 1\n").lines
    assert lines[1:] == (
        "# differs: names are resolved by the last proxy, in proxychains-ng only where a line says proxy_dns",
        "# differs: loopback is direct; proxychains-ng sends it through the proxies, as this line would:",
        "#proxy_loopback",
        "[ProxyList]",
        "http 192.0.2.9 1",
    )


def test_its_limits() -> None:
    """What is beyond 64 networks and 512 proxies does not count there."""
    nets = "".join(f"localnet 10.0.{number}.0/24\n" for number in range(65))
    proxies = "".join(f"http 192.0.2.9 {number}\n" for number in range(1, 514))
    translation = translate(f"{nets}{END}{proxies}")
    config = meaning(translation)
    assert len(config.options.localnets) == 64
    assert len(config.proxies) == 512
    assert sum("one more than the" in line for line in translation.lines) == 3  # 127.0.0.0/8 is the 66th


def test_a_long_line_is_cut_there() -> None:
    """After as many bytes as its buffer takes."""
    assert "cuts this line after 1023 bytes" in translate("x" * 1024).lines[1]
