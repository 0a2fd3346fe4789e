#!/usr/bin/env python3
"""Writes the manual page: a template, filled with what `weir --experimental-dump-help` prints.

usage: weir --experimental-dump-help | write_man.py weir.1.in > weir.1
"""

import json
import sys
from pathlib import Path


def escaped(text):
    """Text as roff takes it: hyphens stay what they are typed as, and no line is a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.splitlines())


def flag(name):
    return ("--" if name["kind"] == "long" else "-") + name["name"]


def usage(argument):
    """How an argument stands in the first line of its command."""
    value = f"\\fI{escaped(argument.get('valueName', 'value')).upper()}\\fR"
    if argument["kind"] == "positional":
        text = value
    else:
        text = f"\\fB{escaped(flag(argument['preferredName']))}\\fR"
        if argument["kind"] == "option":
            text += " " + value
    if argument["isRepeating"]:
        text += " ..."
    return f"[{text}]" if argument["isOptional"] else text


def arguments(command):
    """What a command takes, without the help that every command has."""
    return [
        one
        for one in command.get("arguments", [])
        if one.get("shouldDisplay", True)
        and (one.get("preferredName") or {}).get("name") not in ("help", "version")
    ]


def section(command):
    given = arguments(command)
    # The file comes first, as in the pages.
    order = sorted(given, key=lambda one: one["kind"] != "positional")
    lines = [f".SS {' '.join(['weir ' + command['commandName'], *map(usage, order)])}"]
    lines.append(escaped(command["abstract"]))
    for argument in order:
        text = argument.get("abstract", "")
        if not text:
            continue
        lines += [".TP", usage({**argument, "isOptional": False}), escaped(text)]
    return "\n".join(lines)


def main():
    template = Path(sys.argv[1]).read_text()
    command = json.load(sys.stdin)["command"]
    commands = [one for one in command["subcommands"] if one["commandName"] != "help"]
    print(template.replace("@COMMANDS@", "\n".join(map(section, commands))), end="")


if __name__ == "__main__":
    main()
