"""Which adapter derives the golden view of a format, by the name that the report gives it."""

from __future__ import annotations

from tests.conformance.formats.golden.views import View
from tests.conformance.formats.golden.views.bai2 import Bai2View
from tests.conformance.formats.golden.views.fedwire import FedwireView
from tests.conformance.formats.golden.views.fix import FixView
from tests.conformance.formats.golden.views.iso20022 import Iso20022View
from tests.conformance.formats.golden.views.mt940 import Mt940View
from tests.conformance.formats.golden.views.nacha import NachaView
from tests.conformance.formats.golden.views.npz import NpzView
from tests.conformance.formats.golden.views.ofx import OfxView
from tests.conformance.formats.golden.views.qif import QifView
from tests.conformance.formats.golden.views.sdmx import SdmxView
from tests.conformance.formats.golden.views.swift_mt import SwiftMtView
from tests.conformance.formats.golden.views.xbrl import XbrlView
from tests.conformance.formats.golden.views.xml_records import XmlView

VIEWS: dict[str, View] = {
    "bai2": Bai2View(),
    "fedwire": FedwireView(),
    "fix": FixView(),
    "fpml": XmlView(),
    "inline_xbrl": XbrlView(),
    "iso20022": Iso20022View(),
    "mt940": Mt940View(),
    "nacha": NachaView(),
    "npz": NpzView(),
    "ofx": OfxView(),
    "qif": QifView(),
    "sdmx": SdmxView(),
    "sdmx_json": SdmxView(),
    "swift_mt": SwiftMtView(),
    "xbrl": XbrlView(),
    "xml": XmlView(),
}
"""A format that is not here has the tables of the file itself."""
