"""Runs localstripe on this machine only; by itself it would listen everywhere, and keep its data in a file of all users.

Argument: the port.
"""

import sys

import localstripe.resources
import localstripe.server
from aiohttp import web

localstripe.resources.Store.dump_to_disk = lambda self: None
web.run_app(localstripe.server.app, host="127.0.0.1", port=int(sys.argv[1]))
