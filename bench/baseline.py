"""The yardstick: the shortest aiohttp program that passes a stream on, and nothing else.

python baseline.py PORT URL [CA FILE]
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web


async def relay(request: web.Request) -> web.StreamResponse:
    http: aiohttp.ClientSession = request.app["http"]
    body = await request.read()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer x"}
    path = request.path.removeprefix("/v1")
    async with http.request(
        request.method, sys.argv[2] + path, data=body or None, headers=headers
    ) as answer:
        response = web.StreamResponse(headers={"Content-Type": answer.content_type})
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


async def session(app: web.Application) -> AsyncIterator[None]:
    secure = ssl.create_default_context(cafile=sys.argv[3]) if len(sys.argv) > 3 else True
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=90, ssl=secure)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, auto_decompress=False
    ) as http:
        app["http"] = http
        yield


if __name__ == "__main__":
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.cleanup_ctx.append(session)
    application.router.add_route("*", "/{path:.*}", relay)
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
