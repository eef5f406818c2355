"""Forms of address in the languages of Europe. Who is meant is never guessed from a given name."""

from __future__ import annotations

# ruff: noqa: RUF001 - Greek and Cyrillic letters are meant
from collections.abc import Iterable

__all__ = ["FEMALE", "MALE", "NEUTRAL", "read_salutation", "salutations"]

MALE = frozenset(
    """herr herrn hr heren heer meneer dhr mr mister sir lord monsieur m signor signore sig don señor senor sr senhor
    gospod gospodin g gosp gdin pan pán úr domnul dl κύριος κύριε κος κ господин г herra hra härra ponas kungs zoti
    uram mann männlich maennlich male man homme uomo maschio hombre muž muški moški mężczyzna""".split()  # noqa: SIM905
)
FEMALE = frozenset(
    """frau fr fräulein frl mevrouw mevr mw vrouw mrs ms miss madam madame mme mademoiselle mlle lady dame signora
    sigra signorina dottssa dottoressa profssa señora senora sra señorita srta doña dona senhora dra gospa ga
    gospodična gdč gospođa gospodja gđa gdja gospođica gđica pani pań paní slečna doamna dna domnișoara κυρία κα
    δεσποινίς госпожа г-жа rouva rva proua ponia kundze zonja asszony ks fru frøken fröken weiblich female woman
    femme donna mujer žena ženski ženska kobieta f w""".split()  # noqa: SIM905
)
NEUTRAL = frozenset(
    """dr drs prof mag ing mx mx. divers neutral inter unknown unbekannt inconnu desconocido neznano keine none d x
    nonbinary non-binary familie fam family famille famiglia familia família družina obitelj rodina rodzina eheleute
    firma company société ditta empresa podjetje""".split()  # noqa: SIM905
)
"""Said, but neither: titles, families, companies, and people who want neither."""


def salutations(texts: Iterable[str]) -> list[str | None]:
    """Read many; see :func:`read_salutation`."""
    return [read_salutation(text) for text in texts]


def read_salutation(text: str) -> str | None:
    """``m``, ``f``, or ``unknown`` where what is written says neither, or both; ``None``: words that are not known.

    ``Herr``, ``Frau Dr.``, ``Sehr geehrte Frau`` and ``Herr Mag. (FH)`` are read by the words of them that are known.
    """
    if len(text) > 100:
        return None
    words = [word.strip(",;:()!").replace(".", "").lower() for word in text.replace("/", " ").split()]
    male, female = any(word in MALE for word in words), any(word in FEMALE for word in words)
    if male != female:
        return "m" if male else "f"
    return "unknown" if male or any(word in NEUTRAL for word in words) else None
