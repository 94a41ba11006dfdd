"""Where the configuration is found: the order, what must exist, and never the current directory."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from proxywrap.config import Config
from proxywrap.errors import ConfigError
from proxywrap.lookup import Sources, find_config
from proxywrap.reading import MAX_FILE_BYTES

FILE = "[ProxyList]\nsocks5 {} 1080\n"


class World:
    """A home, an /etc and a current directory with configurations in them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ: dict[str, str] = {}

    def put(self, path: str, text: str | None = None) -> str:
        """Write a file whose proxy is named after its own place."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(FILE.format(target.name) if text is None else text)
        return str(target)

    def find(self, *, urls: tuple[str, ...] = (), file: str | None = None) -> Config:
        """Look everything up in this world only."""
        return find_config(
            Sources(
                urls=urls,
                file=file,
                environ=self.environ,
                home=str(self.root / "home"),
                directory=str(self.root / "cwd"),
                etc=str(self.root / "etc"),
            ),
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world without any configuration."""
    for name in ("home", "etc", "cwd"):
        (tmp_path / name).mkdir()
    return World(tmp_path)


PLACES = [
    "home/.config/proxywrap/proxywrap.conf",
    "etc/proxywrap.conf",
    "home/.proxychains/proxychains.conf",
    "home/.proxychains/proxychains4.conf",
    "etc/proxychains.conf",
    "etc/proxychains4.conf",
]


def test_places_are_searched_in_order(world: World) -> None:
    """Each place is used once those before it are empty."""
    paths = [world.put(place) for place in PLACES]
    for path in paths:
        assert world.find().source == path
        os.unlink(path)
    with pytest.raises(ConfigError):
        world.find()


def test_what_is_said_outright_comes_first(world: World) -> None:
    """-x or -f, then $PROXYWRAP_PROXY, then $PROXYWRAP_CONF, then the places: a flag beats a variable."""
    world.put("etc/proxywrap.conf")
    named, variable = world.put("named.conf"), world.put("variable.conf")
    world.environ = {"PROXYWRAP_PROXY": "http://env:1", "PROXYWRAP_CONF": variable}
    assert world.find(urls=("http://x:1",)).source == "-x"
    assert world.find(file=named).source == named
    assert world.find().source == "$PROXYWRAP_PROXY"
    del world.environ["PROXYWRAP_PROXY"]
    assert world.find().source == variable
    del world.environ["PROXYWRAP_CONF"]
    assert world.find().source == str(world.root / "etc/proxywrap.conf")


def test_variable_of_proxychains_stands_before_its_files(world: World) -> None:
    """$PROXYCHAINS_CONF_FILE comes after proxywrap's own files and before proxychains'."""
    world.put("etc/proxychains.conf")
    own, variable = world.put("etc/proxywrap.conf"), world.put("variable.conf")
    world.environ = {"PROXYCHAINS_CONF_FILE": variable}
    assert world.find().source == own
    os.unlink(own)
    assert world.find().source == variable


@pytest.mark.parametrize("place", PLACES)
def test_a_file_in_proxychains_places_is_read_as_proxychains_reads_it(world: World, place: str) -> None:
    """Found there, or named by -f, it runs with a warning; in a place of ours the same line is an error."""
    path = world.put(place, "quiet_mode 1\n[ProxyList]\nsocks5 h 1\n")
    for file in (None, path):
        if "proxychains" in place:
            config = world.find(file=file)
            assert config.is_for_proxychains
            assert config.warnings[0].startswith(f"{path}:1: `quiet_mode 1` is passed over, ")
        else:
            with pytest.raises(ConfigError, match="expected nothing after quiet_mode, found '1'"):
                world.find(file=file)


def test_variable_holds_a_chain(world: World) -> None:
    """$PROXYWRAP_PROXY takes several URLs, with white space between them."""
    world.environ = {"PROXYWRAP_PROXY": " http://a:1  socks5://u:secret@b:2\n"}
    config = world.find()
    assert [str(uri) for uri in config.hops] == ["http://a:1", "socks5://***@b:2"]
    assert str(config.proxies[0].origin) == "$PROXYWRAP_PROXY"


@pytest.mark.parametrize(
    "name", ["PROXYWRAP_PROXY", "PROXYWRAP_CONF", "PROXYCHAINS_CONF_FILE", "XDG_CONFIG_HOME"]
)
def test_empty_variable_is_unset(world: World, name: str) -> None:
    """An empty variable names nothing, as for most programs."""
    world.environ = {name: ""}
    path = world.put("home/.config/proxywrap/proxywrap.conf")
    assert world.find().source == path


def test_blank_proxy_variable_is_an_error(world: World) -> None:
    """A variable with nothing but a blank was meant to say something."""
    world.environ = {"PROXYWRAP_PROXY": " "}
    with pytest.raises(ConfigError, match=r"^\$PROXYWRAP_PROXY: expected a proxy URL, found none$"):
        world.find()


def test_xdg_config_home(world: World) -> None:
    """$XDG_CONFIG_HOME replaces ~/.config; a relative one is passed over, as its specification says."""
    path = world.put("xdg/proxywrap/proxywrap.conf")
    default = world.put("home/.config/proxywrap/proxywrap.conf")
    world.environ = {"XDG_CONFIG_HOME": str(world.root / "xdg")}
    assert world.find().source == path
    world.environ = {"XDG_CONFIG_HOME": "xdg"}
    assert world.find().source == default


def test_no_home(world: World) -> None:
    """Without a home only the system's places remain."""
    path = world.put("etc/proxychains4.conf")
    etc = str(world.root / "etc")
    assert find_config(Sources(environ={}, home=None, directory=str(world.root), etc=etc)).source == path


@pytest.mark.parametrize("how", ["-f", "$PROXYWRAP_CONF", "$PROXYCHAINS_CONF_FILE"])
def test_named_file_must_exist(world: World, how: str) -> None:
    """A file that somebody named is never replaced by another one."""
    world.put("etc/proxychains.conf")
    missing = str(world.root / "missing.conf")
    if how != "-f":
        world.environ = {how[1:]: missing}
    with pytest.raises(ConfigError) as caught:
        world.find(file=missing if how == "-f" else None)
    assert (
        str(caught.value)
        == f"{missing}: expected a file that can be read ({how}), found: No such file or directory"
    )


def test_directory_is_no_file(world: World) -> None:
    """A directory where a file was named is an error, as an unreadable file is."""
    with pytest.raises(ConfigError, match=r"found: Is a directory$"):
        world.find(file=str(world.root))


def test_unreadable_file_is_not_passed_over(world: World) -> None:
    """A place that exists and cannot be read stops the search: the next one might say something else."""
    world.put("etc/proxychains.conf")
    (world.root / "etc/proxywrap.conf").mkdir()
    with pytest.raises(ConfigError, match=r"proxywrap\.conf: expected a file that can be read, found: "):
        world.find()


def test_file_in_place_of_a_directory(world: World) -> None:
    """~/.config being a file is as good as its absence."""
    world.put("home/.config", "x")
    path = world.put("etc/proxywrap.conf")
    assert world.find().source == path


def test_broken_file_stops_the_search(world: World) -> None:
    """An error in the first file found is reported, not escaped."""
    path = world.put("home/.config/proxywrap/proxywrap.conf", "\nfrobnicate\n")
    world.put("etc/proxywrap.conf")
    with pytest.raises(ConfigError) as caught:
        world.find()
    assert str(caught.value) == f"{path}:2: expected an option, found 'frobnicate'"


def test_current_directory_is_mentioned_and_never_used(world: World) -> None:
    """./proxychains.conf, which proxychains would take, is a note."""
    world.put("cwd/proxychains.conf")
    path = world.put("etc/proxychains.conf")
    config = world.find()
    assert config.source == path
    assert config.notes == (f"./proxychains.conf is not used, {path} is: -f ./proxychains.conf would use it",)
    assert world.find(urls=("http://h",)).notes == ()


def test_urls_and_a_file(world: World) -> None:
    """Which of them is meant is the user's to say."""
    with pytest.raises(ConfigError, match=r"expected -x or -f a\.conf, found both"):
        world.find(urls=("http://h",), file="a.conf")


def test_nothing_found(world: World) -> None:
    """The error lists each place looked at, and the commands most likely wanted."""
    world.environ = {}
    root = world.root
    with pytest.raises(ConfigError) as caught:
        world.find()
    assert str(caught.value).split("\n") == [
        "expected to be told which proxies to use, found nothing in any of these places:",
        "  -x URL",
        "  -f FILE",
        "  $PROXYWRAP_PROXY",
        "  $PROXYWRAP_CONF",
        *[f"  {root}/{place}" for place in PLACES],
        "Through `ssh -D 1080 HOST`, or through Tor:",
        "  proxywrap -x socks5://127.0.0.1:1080 COMMAND",
        "  proxywrap -x socks5://127.0.0.1:9050 COMMAND",
    ]


def test_nothing_found_but_in_the_current_directory(world: World) -> None:
    """The file that proxychains would have used is shown with the command that uses it."""
    world.put("cwd/proxychains.conf")
    with pytest.raises(ConfigError, match=r"\n  proxywrap -f \./proxychains\.conf COMMAND\n"):
        world.find()


def test_pipe_is_read_once(world: World) -> None:
    """`-f <(…)` works: nothing is read twice, nor asked for its size."""
    pipe = str(world.root / "pipe")
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: Path(pipe).write_text(FILE.format("piped")))
    writer.start()
    try:
        assert world.find(file=pipe).hops[0].host == "piped"
    finally:
        writer.join()


def test_endless_file_is_refused(world: World) -> None:
    """A device given by mistake fills no memory."""
    with pytest.raises(ConfigError, match=f"at most {MAX_FILE_BYTES} bytes, found more"):
        world.find(file="/dev/zero")


def test_dash_is_standard_input(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-f -` reads what is piped in."""
    opened = []
    path = world.put("stdin.conf")

    def open_other(name: str, mode: str) -> object:
        opened.append(name)
        return open(path, mode)

    monkeypatch.setattr("proxywrap.reading.open", open_other, raising=False)
    assert world.find(file="-").hops[0].host == "stdin.conf"
    assert opened == ["/dev/stdin"]
