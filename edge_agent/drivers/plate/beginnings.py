"""How what cameras send begins: documents in their languages, pictures, and heads of HTTP messages and parts. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from edge_agent.drivers.plate.extents import DahuaExtent, Extent, JsonExtent, XmlExtent
from edge_agent.drivers.plate.parts import Form

BLANKS = re.compile(rb"(?:[\s\0]|\xef\xbb\xbf)*")
MAGIC = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n")
_XML = re.compile(rb"<(?:[A-Za-z_]|\?xml|!--|!DOCTYPE)")
_JSON = re.compile(rb'\{\s*["}]|\[\s*[\[{\]]')
PERHAPS = re.compile(rb"(?:[{\[]\s*|\x89PNG\r\n\x1a?)\Z")  # a line of which more is needed
_DAHUA = re.compile(rb"(?i:Code)\s?=")
WORD = re.compile(rb"heartbeat[ \t]*(?:\r?\n|\Z)", re.IGNORECASE)
PAIR = re.compile(rb"(?:found|(?:Events|ReturnEvents|records|items)\[\d{1,3}\][\w.\[\]-]{0,200})\s?=")
HEAD = re.compile(
    rb"HTTP/1\.[01] \d{3}|(?:POST|PUT|GET) \S{1,400} HTTP/1|"
    rb"(?:Content-[A-Za-z-]{2,30}|Host|User-Agent|Server|Date|Connection|Transfer-Encoding|MIME-Version|Cache-Control|"
    rb"Accept(?:-[A-Za-z]+)?|Authorization|WWW-Authenticate|Expect|Pragma|Set-Cookie|X-[A-Za-z-]{1,40}):",
    re.IGNORECASE,
)
HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,80})[ \t]*:[ \t]*(.*)")
# Not the value of a name, nor an item of a list: these are the inside of a document whose beginning is lost.
_VALUE = rb"""(?<!":)(?<!": )(?<!" : )(?<![\[,])(?<![\[,] )"""
START = re.compile(
    rb'<(?:[A-Za-z_]|\?xml)|%s(?:\{\s{0,8}["}]|\[\s{0,8}[\[{\]])|Code=|\xff\xd8\xff' % _VALUE, re.IGNORECASE
)

_LINE = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,80}+[ \t]*+:[^\n]{0,900}+\n"  # eight are below the bound of a head
_LENGTH = rb"(?i:content-length)"
_END = rb"[ \t]{0,8}+\r?\n"
BEGIN = re.compile(
    rb"%s+(?:(?P<xml>%s)|(?P<json>%s)|(?P<dahua>%s)|" % (BLANKS.pattern, _XML.pattern, _JSON.pattern, _DAHUA.pattern)
    + rb"(?P<picture>%s)|(?P<word>(?i:heartbeat)%s)|" % (MAGIC.pattern, _END)
    + rb"--(?P<final>[!-~]{1,200}+)(?<=--)%s|--(?P<boundary>[!-~]{1,200}+)%s" % (_END, _END)
    + rb"(?P<head>(?P<before>(?:(?!%s)%s){0,4}+)" % (_LENGTH, _LINE)
    + rb"(?:%s[ \t]*+:[ \t]*+(?P<length>[0-9]{1,12}+)%s)?(?P<after>(?:%s){0,3}+)\r?\n))" % (_LENGTH, _END, _LINE)
)
"""What nearly everything begins with: a document, a picture, or a boundary line, the final one or one with its part's
whole head. The head's Content-Length stands apart from what is before and after it, if it is a plain number."""

EXTENTS: Mapping[Form, Callable[[int], Extent]] = {"xml": XmlExtent, "json": JsonExtent, "dahua": DahuaExtent}
