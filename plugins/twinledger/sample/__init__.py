"""The sample company: Nimbus Retail, its vendors' bills, its metering, and what is wrong with them.

What belongs here: a company written to a folder, in the vendors' own formats, with planted facts and
the file that lists them. What does not: anything that reads those files; the expected amounts are
worked out here from the fleet's own figures, never with the product's SQL.
"""

from twinledger.sample.generator import write_bill, write_sample
from twinledger.sample.planted import Planted

__all__ = ["Planted", "write_bill", "write_sample"]
