"""Parts of a language's words: a view of the page loads those that it shows, and not the whole file of its language."""

from __future__ import annotations

import re

_START = "export const words = {\n"
_END = "};\n"
_PART = re.compile(r"^  (\w+): \{\n.*?^  \},\n", re.MULTILINE | re.DOTALL)
_DECLARED = re.compile(r"^const (\w+) = ", re.MULTILINE)


def parts_of(module: str) -> dict[str, str]:
    """Returns, by the keys of a language's `words`, a module each that has this key alone.

    What the file says before its words goes into the parts that use it. Raises ValueError where the file is laid out
    in another way than a key a block, so that a part would be missing.
    """
    before, start, after = module.partition(_START)
    parts = {found[1]: found[0] for found in _PART.finditer(after)}
    rest = _PART.sub("", after).removesuffix(_END)
    if not start or any(line and not line.startswith("  //") for line in rest.split("\n")):
        raise ValueError("a language is to be one `words` of blocks, each a key of its own")
    paragraphs = before.rstrip("\n").split("\n\n")
    return {name: _with(paragraphs, part) for name, part in parts.items()}


def _with(paragraphs: list[str], part: str) -> str:
    """Returns the module of a part: the imports, and of the declarations before the words those that it uses."""
    kept: list[str] = []
    # The last first: a declaration uses only earlier ones.
    for paragraph in reversed(paragraphs):
        names = _DECLARED.findall(paragraph)
        used = "\n".join([*kept, part])
        if not names or any(re.search(rf"\b{name}\b", used) for name in names):
            kept.insert(0, paragraph)
    return "\n\n".join([*kept, f"{_START}{part}{_END}"])
