"""The Data Processing Agreement: who agreed what, for which data, until when (P12, GDPR Art. 28)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, PrivateAttr, field_validator, model_validator

from backoffice.contract.model import EEA, ClientName, ColumnName, Country, Day, Model, Slug, Text

__all__ = ["Controller", "Data", "Dpa", "Processor", "SubProcessor", "Terms"]


class Controller(Model):
    """The client: it decides why and how its data is processed."""

    name: Text
    contact_role: Text
    """Whom to turn to. A role, not a person: this file is no place for personal data."""
    country: Country


class Processor(Model):
    """We."""

    name: Text
    signatory: Text
    """Who signs for us: agreements, and certificates of deletion (P18)."""


class SubProcessor(Model):
    """Another company that may touch the data (P13)."""

    name: Text
    service: Text
    country: Country
    agreement: Day
    """When our own agreement with it was signed."""

    @field_validator("country")
    @classmethod
    def _in_the_eea(cls, country: str) -> str:
        if country not in EEA:
            raise ValueError(f"`{country}` is outside the EEA: no data may leave it (P10)")
        return country


class Terms(Model):
    """The six sections that a DPA has to have (P12)."""

    scope_and_instructions: Text
    technical_measures: Text
    sub_processors: tuple[SubProcessor, ...]
    """Write ``[]`` if there are none."""
    data_subject_rights: Text
    breach_notification: Text
    deletion_or_return: Text


class Data(Model):
    """Which data the agreement covers (P11)."""

    categories: tuple[Text, ...] = Field(min_length=1)
    """Types of data in words, as certificates name them (P18)."""
    people: tuple[Text, ...] = Field(min_length=1)
    """Whose data it is, in words."""
    columns: tuple[ColumnName, ...] = Field(min_length=1)
    """Every column that may be processed. What is not here is refused or dropped unread."""


class Dpa(Model):
    """One client's agreement, as in ``sow/<client>/dpa.yaml``."""

    client: ClientName
    """The name of the client's folder."""
    controller: Controller
    processor: Processor
    valid_from: Day
    valid_until: Day
    """The last day on which processing is allowed."""
    signed_on: Day | None
    """Left empty (``signed_on:``) until it is signed; until then nothing is processed."""
    purposes: dict[Slug, Text] = Field(min_length=1)
    """What the data may be used for (P11): a short name that SOWs refer to, and the sentence agreed on."""
    region: Country
    """Where data is stored and processed (P10)."""
    data: Data
    terms: Terms
    protected_workbooks: bool = False
    """Whether a workbook (XLSX, XLSB) may come with a password of its own, which was agreed on apart and is kept with the
    project's keys. Left out or ``false``: such a file is refused unread."""

    _path: Path = PrivateAttr(default=Path())
    _digest: str = PrivateAttr(default="")

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return self._path

    @property
    def digest(self) -> str:
        """SHA-256 of that file, in hexadecimal."""
        return self._digest

    @field_validator("region")
    @classmethod
    def _in_the_eea(cls, region: str) -> str:
        if region not in EEA:
            raise ValueError(f"`{region}` is outside the EEA: no data may leave it (P10)")
        return region

    @model_validator(mode="after")
    def _from_before_until(self) -> Dpa:
        if self.valid_until < self.valid_from:
            raise ValueError("`valid_until` is before `valid_from`")
        return self
