"""What stands around the sheets. Nothing names a person, a program's version or a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backoffice.delivery.writing.ods.styles import Styles
from backoffice.delivery.writing.ods.text import escaped

if TYPE_CHECKING:
    from backoffice.delivery.writing.ods.sheet import Page

__all__ = ["MANIFEST", "content_head", "settings"]

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
_SPACES = (
    f'xmlns:office="{_OASIS}:office:1.0" xmlns:style="{_OASIS}:style:1.0" xmlns:text="{_OASIS}:text:1.0" '
    f'xmlns:table="{_OASIS}:table:1.0" xmlns:number="{_OASIS}:datastyle:1.0" '
    f'xmlns:fo="{_OASIS}:xsl-fo-compatible:1.0"'
)
MANIFEST = (
    f'{_XML}<manifest:manifest xmlns:manifest="{_OASIS}:manifest:1.0" manifest:version="1.2">'
    '<manifest:file-entry manifest:full-path="/" manifest:version="1.2" '
    'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    '<manifest:file-entry manifest:full-path="settings.xml" manifest:media-type="text/xml"/>'
    "</manifest:manifest>"
)


def content_head(styles: Styles) -> str:
    """The beginning of ``content.xml``, with every style that the sheets use."""
    return (
        f'{_XML}<office:document-content {_SPACES} office:version="1.2">{styles.xml()}<office:body><office:spreadsheet>'
    )


def settings(pages: Sequence[Page]) -> str:
    """``settings.xml``: headers that stay in sight."""
    frozen = (
        '<config:config-item config:name="VerticalSplitMode" config:type="short">2</config:config-item>'
        '<config:config-item config:name="VerticalSplitPosition" config:type="int">1</config:config-item>'
        '<config:config-item config:name="ActiveSplitRange" config:type="short">2</config:config-item>'
        '<config:config-item config:name="PositionBottom" config:type="int">1</config:config-item>'
    )
    tables = "".join(
        f'<config:config-item-map-entry config:name="{escaped(page.sheet.name)}">{frozen}</config:config-item-map-entry>'
        for page in pages
        if page.sheet.frozen_header
    )
    return (
        f'{_XML}<office:document-settings xmlns:office="{_OASIS}:office:1.0" xmlns:config="{_OASIS}:config:1.0" '
        'office:version="1.2"><office:settings><config:config-item-set config:name="ooo:view-settings">'
        '<config:config-item-map-indexed config:name="Views"><config:config-item-map-entry>'
        '<config:config-item config:name="ViewId" config:type="string">view1</config:config-item>'
        f'<config:config-item-map-named config:name="Tables">{tables}</config:config-item-map-named>'
        "</config:config-item-map-entry></config:config-item-map-indexed></config:config-item-set></office:settings>"
        "</office:document-settings>"
    )
