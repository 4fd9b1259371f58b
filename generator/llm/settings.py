"""Where keys and addresses come from: the environment, and below it files `.env`."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit, urlunsplit

from pytest_kernelfalcon.generator.llm.outcomes import About, CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.secrets import Secret

SHORTEST = 8
"""Characters of a key; a shorter value, such as a version's, stands in many a text."""


@dataclass(frozen=True)
class Address:
    """Where a server is, with no name and no password in it. login: the two, where the address had them."""

    url: str
    login: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """For messages: without what follows a question mark, which may be a key."""
        return self.url.partition("?")[0]


@dataclass(frozen=True)
class Settings:
    """Variables by name. Proxies are not among them: the SDKs take those from the environment themselves."""

    values: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, start: Path, root: Path, environ: Mapping[str, str] = os.environ) -> Settings:
        """The environment, and what it lacks from `.env` in `start`, then in `root`.

        Nothing is put into the environment: no other process and no test of the user sees what a file holds.
        Raises CallFailed for a file that cannot be read.
        """
        values: dict[str, str] = {}
        for folder in dict.fromkeys((root, start)):
            values |= _file(folder / ".env")
        return cls({**values, **environ})

    def get(self, *names: str) -> str:
        """The first that is set and not empty, else an empty text."""
        return next((value for name in names if (value := self.values.get(name, "").strip())), "")

    def address(self, name: str, default: str, provider: str) -> Address:
        """The address of that name. Raises CallFailed where it is none that can be called."""
        text = self.get(name) or default
        parts = _split(text)
        if parts is None:
            about = About(provider, url_name=name)
            raise CallFailed(
                CallOutcome.WRONG_SETTING, about, f"{name} is no address that begins with http:// or https://"
            )
        url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")
        return Address(url, _login(parts))

    def secret(self, provider: str, address: Address, *names: str) -> Secret:
        """The key of the first of these names that is set, and what else of the address must not show.

        Raises CallFailed for a key that no header can hold: what would complain later shows it.
        """
        name = next((name for name in names if self.get(name)), "")
        key = self.get(name)
        if not (key.isascii() and key.isprintable()):
            raise CallFailed(CallOutcome.WRONG_SETTING, About(provider), f"{name} has characters that no key has")
        proxies = [value for name, value in self.values.items() if name.lower().endswith("_proxy")]
        logins = [address.login, *(_login(parts) for proxy in proxies if (parts := _split(proxy)))]
        passwords = [form for login in logins for form in _of_login(login)]
        return Secret(key, (*dict.fromkeys(passwords), *_of_query(address.url.partition("?")[2])))

    def seconds(self, name: str, default: float, provider: str) -> float:
        """A time in seconds. Raises CallFailed where it is none."""
        text = self.get(name)
        try:
            value = float(text) if text else default
        except ValueError:
            value = 0.0
        if not 0 < value < float("inf"):
            raise CallFailed(
                CallOutcome.WRONG_SETTING, About(provider), f"{name} is {text!r}, and not a time in seconds"
            )
        return value


def _login(parts: SplitResult) -> tuple[str, str] | None:
    login = parts.netloc.rpartition("@")[0]
    name, _, password = login.partition(":")
    return (unquote(name), unquote(password)) if login else None


def _of_login(login: tuple[str, str] | None) -> tuple[str, ...]:
    """The password, and the form in which it is sent."""
    return (login[1], b64encode(":".join(login).encode()).decode()) if login else ()


def _of_query(query: str) -> tuple[str, ...]:
    """The whole, and each value that is long enough to be a key, as it is written and as it is meant."""
    values = [part.partition("=")[2] for part in query.split("&")]
    return (query, *(form for value in values if len(value) >= SHORTEST for form in {value, unquote_plus(value)}))


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not match, a port that is no number
        return None
    return parts if known else None


def _file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        import dotenv
    except ImportError:
        raise CallFailed(CallOutcome.MISSING_SDK, About(str(path), sdk="python-dotenv")) from None
    try:
        found = dotenv.dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise CallFailed(CallOutcome.WRONG_SETTING, About(str(path)), f"it cannot be read: {error}") from None
    return {name: value for name, value in found.items() if value is not None}
