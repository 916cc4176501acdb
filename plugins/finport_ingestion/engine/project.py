"""Where a project's documents, places and state lie, found the same way by Airflow and by the command line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from upath import UPath

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.files import Places

CONFIGS = Path("include") / "configs"
PLACES_VARIABLE = "AIRFLOW__FINPORT__PLACES"
STATE_CONNECTION = "finport_state"


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with `include/configs/` in it."""

    folder: Path

    @staticmethod
    def around(start: Path) -> Project:
        """The project that `start` lies in: the nearest folder above that holds `include/configs`.

        Raises:
            ConfigError: There is none.
        """
        start = start.resolve()
        for folder in (start, *start.parents):
            if (folder / CONFIGS).is_dir():
                return Project(folder)
        raise ConfigError(
            f"no folder 'include/configs' in {start} or above it.", hint="run this in the project's folder"
        )

    @property
    def configs(self) -> Path:
        return self.folder / CONFIGS

    def places(self, root: str | None = None) -> Places:
        """Where raw files, parts and datasets lie: `root`, or what the environment says, or `.finport/` in the project.

        Args:
            root: A folder or an fsspec url, where the caller knows it from elsewhere (Airflow's configuration).
        """
        place = root or os.environ.get(PLACES_VARIABLE) or self.folder / ".finport" / "places"
        try:
            return Places(UPath(place))
        except (ValueError, ImportError) as error:
            raise ConfigError(
                f"'{place}' is no place for data: {error}.", hint="use a folder, or a url such as s3://bucket/finport"
            ) from error

    @property
    def default_state_url(self) -> str:
        return f"sqlite:///{self.folder / '.finport' / 'state.db'}"

    def environment(self) -> dict[str, str]:
        """What `${VARIABLE}` in a document may use."""
        return {"FINPORT_PROJECT": str(self.folder), **os.environ}
