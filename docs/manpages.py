"""Write the manual pages in man/: the README's words and tables, and the options that the programs tell of.

Run it (`make man`) after a change of either; a test finds out where that was forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from proxywrap import __version__
from proxywrap.cli import PREFIX_EPILOG, prefix_command
from proxywrap.ctl import control_command

__all__ = ["pages"]

ROOT = Path(__file__).parent.parent

PAGES = {
    "proxywrap.1": "run a program with its connections and its names going through proxies",
    "proxywrapctl.1": "check, explain and reload proxywrap's configuration, or serve as a proxy for tests",
    "proxywrap.conf.5": "configuration of proxywrap",
}
"""Name and section, and what stands behind the name in whatis(1)."""


def pages() -> dict[str, str]:
    """Return the text of each manual page, by its file's name."""
    readme = _sections((ROOT / "README.md").read_text("utf-8"))
    bodies = {
        "proxywrap.1": [
            *_section("synopsis", [f".B proxywrap\n{_roff(_usage(prefix_command))}"]),
            *_section(
                "description", [*_blocks(readme["proxywrap"][:1]), *_blocks(readme["How it works"][:1])]
            ),
            *_section("options", _options(prefix_command)),
            *_section("use", _blocks(readme["Use"][1:])),
            *_section("examples and completion", _epilog(PREFIX_EPILOG)),
            *_section("static binaries and Go programs", _blocks(readme["Static binaries and Go programs"])),
            *_section("limits", _blocks(readme["What it cannot wrap yet"])),
            *_section("see also", [_see_also("proxywrap.1")]),
        ],
        "proxywrapctl.1": [
            *_section("synopsis", [".B proxywrapctl\n" + _roff("COMMAND [OPTIONS] [ARGS]...")]),
            *_section("description", _blocks(readme["proxywrapctl"])),
            *_section("commands", _commands(control_command)),
            *_section("see also", [_see_also("proxywrapctl.1")]),
        ],
        "proxywrap.conf.5": [
            *_section("description", _blocks(readme["Configuration"])),
            *_section("example", [_verbatim((ROOT / "proxywrap.conf.example").read_text("utf-8"))]),
            *_section("see also", [_see_also("proxywrap.conf.5")]),
        ],
    }
    return {page: "\n".join([_head(page), *body, ""]) for page, body in bodies.items()}


def main() -> None:
    """Write all of them."""
    for page, text in pages().items():
        (ROOT / "man" / page).write_text(text, "utf-8")


# -- what the programs tell -------------------------------------------------------


def _context(command: click.Command) -> click.Context:
    return command.make_context("", [], resilient_parsing=True, help_option_names=["-h", "--help"])


def _usage(command: click.Command) -> str:
    with _context(command) as context:
        return " ".join(command.collect_usage_pieces(context))


def _options(command: click.Command) -> Iterator[str]:
    with _context(command) as context:
        for param in command.get_params(context):
            record = param.get_help_record(context) if isinstance(param, click.Option) else None
            if record is not None:
                yield f".TP\n.B {_roff(record[0])}\n{_roff(record[1])}"


def _commands(group: click.Group) -> Iterator[str]:
    with _context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None  # noqa: S101 - it was listed just now
            yield f".SS {_roff(f'{name} {_usage(command)}')}"
            yield from _epilog(command.help or "")
            yield from _options(command)


def _epilog(text: str) -> Iterator[str]:
    r"""Yield paragraphs as click marks them: those behind \b stand as they are."""
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if paragraph.startswith("\b\n"):
            yield _verbatim(paragraph.removeprefix("\b\n"))
        else:
            yield f".PP\n{_roff(' '.join(paragraph.split()))}"


# -- what the README says -----------------------------------------------------------


def _sections(markdown: str) -> dict[str, list[SyntaxTreeNode]]:
    """Return the blocks below each heading of the first two levels."""
    tree = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(markdown))
    found: dict[str, list[SyntaxTreeNode]] = {}
    blocks: list[SyntaxTreeNode] = []
    for node in tree.children:
        if node.type == "heading" and node.tag in {"h1", "h2"}:
            blocks = found.setdefault(node.children[0].content, [])
        else:
            blocks.append(node)
    return found


def _blocks(nodes: Sequence[SyntaxTreeNode]) -> Iterator[str]:
    for node in nodes:
        match node.type:
            case "heading":
                yield f".SS {_words(node)}"
            case "paragraph":
                yield f".PP\n{_words(node)}"
            case "code_block" | "fence":
                yield _verbatim(node.content)
            case "bullet_list":
                for item in node.children:
                    yield f".IP \\(bu 2\n{_words(item.children[0])}"
            case "table":
                yield from _table(node)
            case _:
                raise ValueError(f"expected a kind of block that manual pages have, found {node.type}")


def _table(node: SyntaxTreeNode) -> Iterator[str]:
    """Yield a list of terms: there is no width for a table in a terminal."""
    head, body = node.children
    titles = [_words(cell) for cell in head.children[0].children]
    for row in body.children:
        term, meaning, *rest = (_words(cell) for cell in row.children)
        more = "".join(
            f"\n{title.capitalize()}: {text}." for title, text in zip(titles[2:], rest, strict=True) if text
        )
        yield f".TP\n{term}\n{meaning}{'.' * (bool(more) and not meaning.endswith('.'))}{more}"


def _words(node: SyntaxTreeNode) -> str:
    """Return a block's text, its code bold."""
    out = []
    for child in node.children[0].children:
        match child.type:
            case "text":
                out.append(_roff(child.content))
            case "code_inline":
                out.append(f"\\fB{_roff(child.content)}\\fR")
            case "softbreak":
                out.append("\n")
            case "em" | "strong":
                out.append(f"\\fI{_roff(child.children[0].content)}\\fR")
            case "link":
                out.append(_roff(child.children[0].content))
            case _:
                raise ValueError(f"expected a kind of text that manual pages have, found {child.type}")
    return re.sub(r"^(?=[.'])", r"\\&", "".join(out), flags=re.MULTILINE)


# -- roff ---------------------------------------------------------------------------


def _head(page: str) -> str:
    name, _, section = page.rpartition(".")
    what = f"{_roff(name)} \\- {_roff(PAGES[page])}"
    title = f'.TH {name.upper()} {section} "" "proxywrap {__version__}"'
    return f'.\\" Made by docs/manpages.py.\n{title}\n.nh\n.ad l\n.SH NAME\n{what}'


def _section(title: str, blocks: Sequence[str] | Iterator[str]) -> Iterator[str]:
    yield f".SH {title.upper()}"
    yield from blocks


def _see_also(page: str) -> str:
    others = (other.rpartition(".") for other in PAGES if other != page)
    return ",\n".join(f".BR {_roff(name)} ({section})" for name, _, section in others).replace("),", ") ,")


def _verbatim(text: str) -> str:
    lines = [re.sub(r"^(?=[.'])", r"\\&", _roff(line)) for line in text.strip("\n").split("\n")]
    return "\n".join([".PP", ".RS 4", ".nf", *lines, ".fi", ".RE"])


def _roff(text: str) -> str:
    """Return text with nothing in it that roff gives a meaning to."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti")


if __name__ == "__main__":
    main()
