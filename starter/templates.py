"""Templates: whatever people wrote is escaped, and a name that is missing is a mistake."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def templates_of(folder: str) -> Environment:
    """The templates in a folder of `starter`."""
    return Environment(
        loader=PackageLoader("starter", folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
