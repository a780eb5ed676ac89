"""Texts from data, as they may be printed: nothing in them reaches the terminal or the shell."""

import shlex


def visible(text: str, kept: str = "") -> str:
    r"""Control characters, and others that do not print, as `\x1b`; `kept` ones as they are."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else _escaped(c) for c in text)


def pasteable(text: str) -> str:
    """A text as one word of bash, whatever it holds; `make` takes it as it is."""
    if text.isprintable():
        return shlex.quote(text)
    inner = "".join(
        c if c.isprintable() and c not in "\\'" else "".join(f"\\x{byte:02x}" for byte in _bytes(c))
        for c in text
    )
    return f"$'{inner}'"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()


def _bytes(character: str) -> bytes:
    return character.encode("utf-8", "surrogateescape")
