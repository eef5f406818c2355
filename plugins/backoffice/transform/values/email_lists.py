"""Frequent slips in the domains of large providers, and the names of offices' mailboxes."""

from __future__ import annotations

__all__ = ["ROLES", "SLIPS"]

_SLIPS = {
    "gmail.com": """gmial.com gmai.com gmal.com gmil.com gamil.com gnail.com gmaill.com gmailcom gmail.con gmail.cmo
        gmail.ocm gmail.comm gmail.vom gmail.xom gmail.cim gmail.coom gmaul.com gmaik.com gmqil.com gimail.com gmali.com
        gemail.com gmeil.com ggmail.com gmaol.com gmsil.com""",
    "googlemail.com": "googelmail.com goglemail.com googlemial.com googlemail.con googlmail.com",
    "hotmail.com": """hotmial.com hotmal.com hotmai.com hotmil.com hormail.com hotmaill.com hotmail.con hotmail.cmo
        hotmailcom hotamil.com hotnail.com hotmsil.com homail.com hotmali.com hotmail.comm htmail.com hoitmail.com""",
    "hotmail.de": "hotmial.de hotmal.de hotmai.de hotamil.de hotnail.de",
    "hotmail.fr": "hotmial.fr hotmal.fr hotmai.fr hotamil.fr hotnail.fr hotmil.fr",
    "hotmail.it": "hotmial.it hotmal.it hotmai.it hotamil.it hotnail.it",
    "hotmail.es": "hotmial.es hotmal.es hotmai.es hotamil.es hotnail.es",
    "outlook.com": """outlok.com outloook.com outllok.com oulook.com outook.com outlook.con outlookcom outlool.com
        outlock.com otulook.com ooutlook.com outlook.cmo outlook.comm""",
    "live.com": "live.con live.cmo livecom",
    "icloud.com": "iclod.com icoud.com iclould.com icloud.con icloudcom icloud.cmo icluod.com iclaud.com",
    "yahoo.com": """yaho.com yahooo.com yhoo.com yaoo.com yahoo.con yahoocom yahoo.cmo yaho.con yhaoo.com tahoo.com
        yahho.com yahoo.comm""",
    "yahoo.de": "yaho.de yahooo.de yhoo.de yahho.de",
    "yahoo.fr": "yaho.fr yahooo.fr yhoo.fr yahho.fr",
    "yahoo.it": "yaho.it yahooo.it yhoo.it yahho.it",
    "yahoo.es": "yaho.es yahooo.es yhoo.es yahho.es",
    "yahoo.co.uk": "yaho.co.uk yahooo.co.uk yahoo.couk yhoo.co.uk",
    "gmx.at": "gmx.att gxm.at gmxx.at",
    "gmx.de": "gmx.dee gxm.de gmxx.de gmx.ed",
    "gmx.net": "gmx.nett gxm.net gmx.ne gmx.ent",
    "web.de": "web.dee wbe.de webb.de web.ed",
    "t-online.de": "tonline.de t-onlin.de t-online.ed t-onlien.de t-oline.de t-onine.de t.online.de t-online.dee",
    "freenet.de": "freent.de freenet.ed frenet.de",
    "arcor.de": "acor.de arcor.ed",
    "aon.at": "aon.att aonn.at",
    "chello.at": "chelo.at chello.att",
    "bluewin.ch": "bluwin.ch bluewn.ch blewin.ch",
    "orange.fr": "ornage.fr orage.fr orang.fr organge.fr",
    "wanadoo.fr": "wanado.fr wandoo.fr wanadooo.fr wananoo.fr",
    "laposte.net": "lapost.net laposte.ne la-poste.net",
    "libero.it": "libro.it liber.it libero.itt lbero.it",
    "virgilio.it": "virglio.it virgillio.it virigilio.it",
    "tiscali.it": "tiscalli.it tiscal.it",
    "seznam.cz": "sezman.cz seznm.cz seznam.czz senzam.cz",
    "wp.pl": "wp.lp wpp.pl",
    "onet.pl": "ont.pl onett.pl",
    "interia.pl": "intera.pl inetria.pl",
    "siol.net": "sio.net siol.ne",
    "ziggo.nl": "zigo.nl zigggo.nl",
    "telenet.be": "telnet.be telent.be",
    "skynet.be": "skyent.be skynt.be",
}

SLIPS = {slip: right for right, slips in _SLIPS.items() for slip in slips.split()}
"""A domain as it is mistyped -> as it was meant. Only providers of private mailboxes, only slips that are no provider's
name themselves; a company's domain is never guessed."""

ROLES = frozenset(
    """abuse accounting accounts admin administration administracija administracion administrator agency
    amministrazione anfrage anfragen backoffice bestellung bestellungen bewerbung billing biuro board booking
    bookings buchhaltung buero bureau business callcenter career careers comercial commande commerciale compliance
    comptabilite comptabilidad contabilidad contabilita contact contacto contact-us contatto contatti customercare
    customerservice datenschutz dataprotection direccion direction direktion dpo einkauf email empfang enquiries
    enquiry events export facturacion facturation faktura fatturazione feedback finance ftp fundraising geral gf
    hallo hello help helpdesk hola hostmaster hr info infodesk informacije information informazioni inkoop invoice
    invoices it jobs kancelaria kanzlei karriere klantenservice kontakt kontor kundendienst kundenservice leitung
    list list-request mail mailbox mailer-daemon mailerdaemon marketing media nabava news newsletter no-reply noc
    noreply office oficina online order orders personal pisarna podatelna podpora postmaster prenotazioni presse
    press privacy privacidad prodaja projects purchasing racunovodstvo racunovodja rechnung rechnungen reception
    recepcija recepce recepcion recruiting redaktion reklamation reservas reservation reservations reservierung root
    rrhh sales secretariat secretaria segreteria security sekretariat service servicedesk shop stampa subscribe
    support tajnistvo team tech technik ufficio urlaub urudzbenik vendas ventas verkauf verkoop vertrieb verwaltung
    veranstaltungen web webmaster welcome werbung www zentrale zamowienia""".split()  # noqa: SIM905
)
"""Mailboxes of offices: RFC 2142, and words that are usual in Europe."""
