"""Words that stand around and within names."""

from __future__ import annotations

__all__ = ["LOWER", "MAC_NAMES", "PARTICLES", "SECOND_GIVEN", "SUFFIXES", "TITLES"]

PARTICLES = frozenset(
    """af al am auf aus av aw bij da das de de' del dela dello della dei degli den der des di do dos du el het la le
    les lo los op 's 't te ten ter thoe tot van ver vom von vor y zu zum zur""".split()  # noqa: SIM905
)
"""Where one stands before the last word of a name, the family name begins."""

LOWER = (
    "af", "am", "auf", "av", "da", "das", "de", "degli", "dei", "del", "della", "den", "der", "des", "do", "dos", "du",
    "het", "la", "las", "los", "op", "te", "ten", "ter", "tot", "van", "vom", "von", "y", "zu", "zum", "zur",
)  # fmt: skip
"""Particles that are written small wherever they stand."""

MAC_NAMES = frozenset(
    """macadam macallister macalister macarthur macaulay macbeth macbride maccallum maccarthy maccoll macconnell
    maccormack maccormick macdermott macdiarmid macdonald macdonnell macdougall macdowell macduff maceachern macewan
    macewen macfadden macfadyen macfarlane macgillivray macgowan macgregor macguire macinnes macinnis macintosh
    macintyre maciver macivor mackay mackellar mackenna mackenzie mackinlay mackinnon mackintosh maclachlan maclaine
    maclaren maclean macleay maclellan maclennan macleod macmahon macmanus macmaster macmillan macmurray macnab
    macnally macnamara macneil macneill macneish macnicol macphail macphee macpherson macquarie macqueen macrae
    macrory macshane macsweeney mactaggart mactavish macwilliam macwilliams""".split()  # noqa: SIM905
)
"""``MacDonald``, unlike ``Macchia`` or ``Machado``. (Some families write Mackay; a name typed with care is left.)"""

TITLES = frozenset(
    """herr herrn frau hr fr mr mrs ms mx miss sir dame lord lady madame monsieur mademoiselle mme mlle m messrs dhr
    mevr mevrouw mw meneer heer sig signor signora signorina sigra sr sra srta señor señora señorita senhor senhora
    don doña d dª dl dna dr drs dra dott dottssa dottoressa prof profssa professor professore priv doz pd mag mmag
    ddr dipl ing dipling dipl-ing dipl-kfm dipl-vw dipl-psych di rer nat med phil iur jur techn oec mont vet univ
    univ-prof univprof univ-doz univdoz hofrat kommr komm-rat kr ir mgr mudr judr rndr phdr ingarch arch doc paedr
    thdr mvdr pharmdr inż hab pan pani pán paní gospod gospa gospodična g ga gdč gdin gospodin gospođa gđa gđica
    spec akad hra ra rev hon capt col lt maj gen adv eng arq baron freiherr graf gräfin hc fh""".split()  # noqa: SIM905
)
"""Forms of address and degrees before a name, without full stops, in lower case."""

SUFFIXES = frozenset(
    """jr jnr jun junior sr snr sen senior ii iii iv phd dphil mphil mba emba dba msc bsc mse bse mas mph mcom bcom ba
    beng meng md dds dvm esq llm llb frcs obe cbe mbe qc kc mp fh bakk cpa cfa rn csc dis emer""".split()  # noqa: SIM905
)
"""What follows a name, without full stops, in lower case."""

SECOND_GIVEN = frozenset(
    """luis luís maria maría josé jose carlos antonio antónio manuel miguel angel ángel ramón ramon ignacio javier
    francisco fernando enrique alberto eduardo jesús jesus pablo pedro juan joão joao isabel teresa carmen pilar
    luisa luísa ana elena cristina dolores mercedes rosario belén eugenia victoria paulo jorge vicente andrés felipe
    rafael beatriz lucía fátima helena margarida inês""".split()  # noqa: SIM905
)
"""Usual second given names in Spain and Portugal."""
