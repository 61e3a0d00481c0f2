"""Errors that a user can mend: one line that names the key, file or value, and what is right."""


class InputError(Exception):
    """A setting, a file or a download is not what it has to be."""
