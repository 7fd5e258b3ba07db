"""Profiles: named sets of settings in `profiles.toml`, safe to change from several processes at once."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from perdure._model.errors import SettingError
from perdure._platform.files import locked, replace_private
from perdure._platform.suggest import nearest
from perdure._settings.fields import SETTINGS, Setting, find_setting, text_of

DEFAULT = "default"
_HEADER = "# Written by `perdure profile` and `perdure config`, which keep no comments.\n"
_NOT_IN_PROFILES = ("home", "profile")


class _Contents:
    def __init__(self, active: str, profiles: dict[str, dict[str, object]]) -> None:
        self.active = active
        self.profiles = profiles

    def of(self, name: str) -> dict[str, object]:
        """The keys of a profile. The default profile always exists."""
        if name not in self.profiles and name != DEFAULT:
            names = sorted({*self.profiles, DEFAULT})
            hint = nearest(name, names) or f" The profiles are {', '.join(names)}."
            raise SettingError(f"There is no profile {name!r}.{hint}")
        return self.profiles.setdefault(name, {})


class Profiles:
    """The profiles of a home directory. Changing them does not change `current()` until `reload()`."""

    def __init__(self, home: Path) -> None:
        self.path = home / "profiles.toml"

    def names(self) -> list[str]:
        """The names of all profiles, sorted."""
        return sorted({*self._read().profiles, DEFAULT})

    def active(self) -> str:
        """The name of the profile that holds when PERDURE_PROFILE names none."""
        return self._read().active

    def inspect(self, name: str, *, show_secrets: bool = False) -> dict[str, str]:
        """What a profile sets: environment names to text, sorted; secrets as asterisks unless they are to be shown."""
        shown = {} if show_secrets else {each.variable: each.shown for each in SETTINGS.values()}
        return {key: shown.get(key, text_of)(value) for key, value in sorted(self._read().of(name).items())}

    def values(self, name: str | None = None) -> tuple[str, dict[str, object]]:
        """The name of a profile (without a choice, the active one's) and its settings by field name, as written.

        Raises:
            SettingError: there is no such profile, or it names a setting that is unknown or cannot be in a profile.
        """
        contents = self._read()
        name = name or contents.active
        held = contents.of(name)
        try:
            return name, {_allowed(key).name: value for key, value in held.items()}
        except SettingError as error:
            raise SettingError(f"{error} It is in profile {name!r} in {self.path}; correct or remove it.") from None

    def create(self, name: str) -> None:
        """Add an empty profile."""
        with self._change() as contents:
            _check_new(name, contents)
            contents.profiles[name] = {}

    def use(self, name: str) -> None:
        """Make a profile the active one."""
        with self._change() as contents:
            contents.of(name)
            contents.active = name

    def rename(self, old: str, new: str) -> None:
        """Rename a profile; if it is the active one, it stays active."""
        with self._change() as contents:
            contents.of(old)
            _check_new(new, contents)
            contents.profiles[new] = contents.profiles.pop(old)
            contents.active = new if contents.active == old else contents.active

    def delete(self, name: str) -> None:
        """Remove a profile that is not the active one."""
        with self._change() as contents:
            contents.of(name)
            if name == contents.active:
                raise SettingError(f"Profile {name!r} is the active one. Use another profile, then delete it.")
            del contents.profiles[name]

    def set(self, name: str, values: Mapping[str, str]) -> None:
        """Set settings in a profile, by environment name or field name; all of them or, if one is wrong, none."""
        with self._change() as contents:
            keys = contents.of(name)
            for key, value in values.items():
                setting = _allowed(key)
                setting.parse(value, f"what is to be set in profile {name!r}")
                keys[setting.variable] = value

    def unset(self, name: str, keys: list[str]) -> None:
        """Remove what a profile sets; even a key that is no setting, so that a wrong file can be mended."""
        with self._change() as contents:
            held = contents.of(name)
            for key in keys:
                variable = key if key in held else find_setting(key).variable
                if variable not in held:
                    raise SettingError(f"{variable} is not set in profile {name!r}.{nearest(variable, held)}")
                del held[variable]

    def _read(self) -> _Contents:
        try:
            text = self.path.read_bytes().decode()
        except FileNotFoundError:
            return _Contents(DEFAULT, {})
        except NotADirectoryError:
            raise SettingError(
                f"The home directory {self.path.parent} is a file, or below one. Move that file, or set"
                " PERDURE_HOME to a directory."
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(
                f"The profiles in {self.path} cannot be read: {error}. Mend or remove the file."
            ) from None
        import tomllib  # most homes have no profiles, and need not pay for the import

        try:
            return _checked(tomllib.loads(text))
        except (tomllib.TOMLDecodeError, SettingError) as error:
            raise SettingError(f"{self.path} is not a file of profiles: {error}. Mend or remove it.") from None

    @contextmanager
    def _change(self) -> Iterator[_Contents]:
        try:
            with locked(self.path.with_suffix(".lock")):
                contents = self._read()
                yield contents
                replace_private(self.path, _toml(contents))  # a profile may hold the key of secrets
        except OSError as error:
            raise SettingError(
                f"The profiles in {self.path} cannot be changed: {error.strerror}."
                " Make its directory writable to this user, or set PERDURE_HOME to one that is."
            ) from error


def _allowed(key: str) -> Setting:
    setting = find_setting(key)
    if setting.name in _NOT_IN_PROFILES:
        raise SettingError(
            f"{setting.variable} cannot be set in a profile, since it decides which profile is read."
            " Set it in the environment."
        )
    return setting


def _is_plain(name: str) -> bool:
    return name.isascii() and name.replace("-", "a").replace("_", "a").isalnum()


def _check_new(name: str, contents: _Contents) -> None:
    if not _is_plain(name):
        raise SettingError(f"{name!r} cannot be a profile's name. Use letters, digits, '-' and '_'.")
    if name in contents.profiles or name == DEFAULT:
        raise SettingError(f"There is a profile {name!r} already. Choose another name, or delete it first.")


def _checked(document: dict[str, object]) -> _Contents:
    active, profiles = document.get("active", DEFAULT), document.get("profiles", {})
    if not isinstance(active, str):
        raise SettingError(f"`active` is {active!r}, not a profile's name in quotes")
    if not isinstance(profiles, dict) or not all(isinstance(each, dict) for each in profiles.values()):
        raise SettingError("`profiles` must hold tables such as [profiles.default]")
    unknown = sorted(document.keys() - {"active", "profiles"})
    if unknown:
        raise SettingError(
            f"{unknown[0]!r} is unknown at its top; settings stand in a table such as [profiles.default]"
        )
    return _Contents(active, profiles)


def _toml(contents: _Contents) -> str:
    lines = [_HEADER, f"active = {_quoted(contents.active)}\n"]
    for name, keys in sorted(contents.profiles.items()):
        lines.append(f"\n[profiles.{_key(name)}]\n")
        lines.extend(f"{_key(key)} = {_quoted(text_of(value))}\n" for key, value in sorted(keys.items()))
    return "".join(lines)


def _key(text: str) -> str:
    return text if _is_plain(text) else _quoted(text)


def _quoted(text: str) -> str:
    # JSON's strings are TOML's, but for the one control character that JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
